package publish_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/hawserv1/hawserv1connect"
	"github.com/hawser-edge/hawser/routing/publish"
)

// serveHTTP returns the base URL of the HTTP door.
func (r *rig) serveHTTP(t *testing.T) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle(r.svc.Handler())
	srv := publish.HTTPServer(mux)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = srv.Serve(ln) }()
	t.Cleanup(func() { _ = srv.Close(); <-done })
	return "http://" + ln.Addr().String()
}

// post does what curl does.
func post(t *testing.T, url, auth, body string) (*http.Response, map[string]any) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hawser.v1.Publisher/Notify", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if auth != "" {
		req.Header.Set("Authorization", auth)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer := map[string]any{}
	if err := json.Unmarshal(raw, &answer); err != nil {
		t.Fatalf("%s: %s", resp.Status, raw)
	}
	return resp, answer
}

func TestHTTPDoor(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	url := r.serveHTTP(t)
	body := `{"user":"u1","kind":"messages","item":"aGVsbG8=","id":"1","urgency":"HIGH","push":{"title":"Hi","badge":0,"ttl_s":"60"}}`
	resp, answer := post(t, url, "Bearer "+apiKey, body)
	version, _ := answer["version"].(string)
	if n, err := strconv.ParseInt(version, 10, 64); resp.StatusCode != 200 || err != nil || n <= 0 {
		t.Fatalf("%s %v", resp.Status, answer)
	}
	if answer["duplicate"] != false || len(answer) != 2 {
		t.Errorf("answer %v must be version and duplicate", answer)
	}
	if _, again := post(t, url, "bearer "+apiKey, body); again["version"] != version || again["duplicate"] != true {
		t.Errorf("repeat got %v", again)
	}
	tests := []struct {
		name, auth, body string
		status           int
		code             string
	}{
		{"no key", "", body, 401, "unauthenticated"},
		{"wrong key", "Bearer nope", body, 401, "unauthenticated"},
		{"empty key", "Bearer ", body, 401, "unauthenticated"},
		{"basic", "Basic " + apiKey, body, 401, "unauthenticated"},
		{"user with a dot", "Bearer " + apiKey, `{"user":"a.b","kind":"messages"}`, 400, "invalid_argument"},
		{"version too great", "Bearer " + apiKey, `{"user":"u","kind":"orders","version":"18446744073709551615"}`, 400, "invalid_argument"},
		{"version above 2^53", "Bearer " + apiKey, `{"user":"u","kind":"orders","version":"9007199254740992"}`, 400, "invalid_argument"},
		{"not JSON", "Bearer " + apiKey, `{"user":`, 400, "invalid_argument"},
		{"too large", "Bearer " + apiKey, `{"user":"u","kind":"messages","item":"` + strings.Repeat("A", 120<<10) + `"}`, 429, "resource_exhausted"},
		{"item too large", "Bearer " + apiKey, `{"user":"u","kind":"messages","item":"` + strings.Repeat("A", 48<<10) + `"}`, 400, "invalid_argument"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			resp, answer := post(t, url, tt.auth, tt.body)
			if resp.StatusCode != tt.status || answer["code"] != tt.code || answer["message"] == "" {
				t.Errorf("%s %v, want %d %s", resp.Status, answer, tt.status, tt.code)
			}
			if s, _ := json.Marshal(answer); tt.auth != "" && strings.Contains(string(s), apiKey) {
				t.Error("the answer has the key in it")
			}
		})
	}
	if n := r.stored(t); n != 1 {
		t.Errorf("%d stored, want 1", n)
	}
}

// A stranger is refused by the headers alone: the body, which may never come,
// is not waited for.
func TestStrangersBodyIsNotRead(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(r.serveHTTP(t), "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "POST /hawser.v1.Publisher/Notify HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
		"Authorization: Bearer guess\r\nContent-Length: 90000\r\n\r\n{")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusUnauthorized {
		t.Errorf("answered %s", resp.Status)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, func(c *publish.Config) {
		c.AttemptTimeout, c.MaxWait = 50*time.Millisecond, 100*time.Millisecond
	})
	url := r.serveHTTP(t)
	r.srv.Shutdown()
	resp, answer := post(t, url, "Bearer "+apiKey, `{"user":"u1","kind":"messages"}`)
	if resp.StatusCode != 503 || answer["code"] != "unavailable" || resp.Header.Get("Retry-After") != "1" {
		t.Errorf("%s, Retry-After %q, %v", resp.Status, resp.Header.Get("Retry-After"), answer)
	}
}

// The same port speaks gRPC, without TLS.
func TestGRPC(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	url := r.serveHTTP(t)
	var p http.Protocols
	p.SetUnencryptedHTTP2(true)
	transport := &http.Transport{Protocols: &p}
	defer transport.CloseIdleConnections()
	client := hawserv1connect.NewPublisherClient(&http.Client{Transport: transport}, url, connect.WithGRPC())
	req := connect.NewRequest(&hawserv1.NotifyRequest{User: "u1", Kind: "messages"})
	_, err := client.Notify(t.Context(), req)
	if connect.CodeOf(err) != connect.CodeUnauthenticated {
		t.Errorf("without a key: %v", err)
	}
	req.Header().Set("Authorization", "Bearer "+apiKey)
	resp, err := client.Notify(t.Context(), req)
	if err != nil || resp.Msg.GetVersion() == 0 {
		t.Errorf("got %v, %v", resp, err)
	}
}

// serveNATS runs the NATS door for the length of the test.
func (r *rig) serveNATS(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- r.svc.ServeNATS(ctx, r.nc) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// ask makes a request of a backend and waits for the door to open.
func ask(t *testing.T, nc *nats.Conn, m *nats.Msg) map[string]any {
	t.Helper()
	for {
		resp, err := nc.RequestMsg(m, time.Minute)
		if errors.Is(err, nats.ErrNoResponders) {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		answer := map[string]any{}
		if err := json.Unmarshal(resp.Data, &answer); err != nil {
			t.Fatalf("%s: %v", resp.Data, err)
		}
		return answer
	}
}

func TestNATSDoor(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.serveNATS(t)
	nc := r.srv.Conn(routing.RoleBackend, "acme")
	m := nats.NewMsg("hawser.v1.pub.acme.u1.messages")
	m.Header.Set("Hawser-Id", "1")
	m.Header.Set("Hawser-Urgency", "HIGH")
	m.Header.Set("Hawser-Push", `{"title":"Hi","ttl_s":60}`)
	m.Data = []byte("hello")
	answer := ask(t, nc, m)
	if v, _ := answer["version"].(string); v == "" || answer["duplicate"] != false {
		t.Fatalf("answer %v", answer)
	}
	if again := ask(t, nc, m); again["version"] != answer["version"] || again["duplicate"] != true {
		t.Errorf("repeat got %v", again)
	}
	tests := []struct{ subject, header, value, code string }{
		{"hawser.v1.pub.acme.u1.nope", "", "", "invalid_argument"},
		{"hawser.v1.pub.acme.u1.orders", "Hawser-Version", "18446744073709551615", "invalid_argument"},
		{"hawser.v1.pub.acme.u1.orders", "Hawser-Version", "9007199254740992", "invalid_argument"},
		{"hawser.v1.pub.acme.u1.orders", "Hawser-Version", "0", "invalid_argument"},
		{"hawser.v1.pub.acme.u1.orders", "Hawser-Version", "x", "invalid_argument"},
		{"hawser.v1.pub.acme.u1.messages", "Hawser-Urgency", "SOON", "invalid_argument"},
		{"hawser.v1.pub.acme.u1.messages", "Hawser-Push", `{"titel":"x"}`, "invalid_argument"},
		{"hawser.v1.pub.acme.u€1.messages", "", "", "invalid_argument"},
	}
	for _, tt := range tests {
		m := nats.NewMsg(tt.subject)
		if tt.header != "" {
			m.Header.Set(tt.header, tt.value)
		}
		if answer := ask(t, nc, m); answer["code"] != tt.code || answer["message"] == "" {
			t.Errorf("%s %s %q: got %v, want %s", tt.subject, tt.header, tt.value, answer, tt.code)
		}
	}
	if n := r.stored(t); n != 1 {
		t.Errorf("%d stored, want 1", n)
	}
}

// A reply subject must not make the router publish where it may and the
// asker may not: the server takes it back to the asker's own account, where it
// means nothing.
func TestNATSDoorRefusesForeignReplies(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.serveNATS(t)
	edge := r.srv.Conn(routing.RoleEdge, "hk1")
	heard, err := edge.SubscribeSync("hw.g.hk1.n")
	if err != nil {
		t.Fatal(err)
	}
	if err := edge.Flush(); err != nil {
		t.Fatal(err)
	}
	var denied atomic.Int32
	nc := r.srv.Conn(routing.RoleBackend, "acme", nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) { denied.Add(1) }))
	ask(t, nc, nats.NewMsg("hawser.v1.pub.acme.u1.messages"))
	victim := routing.InboxSubject("globex", "u1", "messages")
	replies := []string{victim, "hw.g.hk1.n", "$JS.API.STREAM.DELETE.INBOX", "$JS.ACK.INBOX.ROUTERS.1.1.1.1.0", "_R_.x"}
	for _, reply := range replies {
		if err := nc.PublishRequest("hawser.v1.pub.acme.u1.messages", reply, []byte("forged")); err != nil {
			t.Fatal(err)
		}
	}
	ask(t, nc, nats.NewMsg("hawser.v1.pub.acme.u1.messages"))
	if m, err := heard.NextMsg(100 * time.Millisecond); err == nil {
		t.Errorf("an edge heard %q on %s", m.Data, m.Subject)
	}
	in, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := in.GetLastMsgForSubject(t.Context(), victim); err == nil {
		t.Errorf("%q is in the log of another tenant", m.Data)
	}
	if denied.Load() != 2 {
		t.Errorf("%d replies were denied, want the last two", denied.Load())
	}
}

// The subject's tenant is kept apart by the server.
func TestNATSDoorTenants(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.serveNATS(t)
	nc := r.srv.Conn(routing.RoleBackend, "acme", nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	ask(t, nc, nats.NewMsg("hawser.v1.pub.acme.u1.messages"))
	if _, err := nc.Request("hawser.v1.pub.globex.u1.messages", nil, 200*time.Millisecond); err == nil {
		t.Error("a backend published for another tenant")
	}
	if n := r.stored(t); n != 1 {
		t.Errorf("%d stored, want 1", n)
	}
}
