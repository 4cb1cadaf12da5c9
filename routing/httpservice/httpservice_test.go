package httpservice_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/httpservice"
	"github.com/hawser-edge/hawser/routing/relay"
	"github.com/hawser-edge/hawser/routing/signature"
)

func TestCall(t *testing.T) {
	calls := make(chan string, 1)
	url, roots := backend(t, func(w http.ResponseWriter, r *http.Request) {
		deadline, token := r.Header.Get("Hawser-Deadline-Ms"), r.Header.Get("Hawser-Token")
		c, err := signature.VerifyRequest(r, secret)
		if err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		ms, _ := strconv.Atoi(deadline)
		calls <- fmt.Sprint(r.Method, r.URL, c.Tenant, c.User, c.Device, c.Service, c.Method, token, ms > 9000 && ms <= 10_000, r.ProtoMajor, r.Header["Idempotency-Key"])
		_, _ = fmt.Fprintf(w, "got %s", c.Body)
	})
	e := start(t, map[string]string{"orders": url + "/a?b=c", "orders.create": url + "/create", "one.method": url}, roots)
	for _, tt := range []struct{ service, method, path string }{
		{"orders", "list", "/a?b=c"}, {"orders", "create", "/create"}, {"one", "method", "/"},
	} {
		body, err := e.call(t, tt.service, tt.method, "hello")
		if err != nil || string(body) != "got hello" {
			t.Fatalf("%v: %q, %v", tt, body, err)
		}
		want := fmt.Sprint("POST", tt.path, "acme", "u1", "d1", tt.service, tt.method, "acme.u1.d1", true, 2, []string(nil))
		if got := <-calls; got != want {
			t.Errorf("the service got %s, want %s", got, want)
		}
	}
	if _, err := e.call(t, "one", "other", ""); status(err) != wire.StatusPermissionDenied {
		t.Errorf("a method that is not allowed: %v", err)
	}
}

// The device is told what HTTP's status means, and the service's words where
// they are plain text.
func TestStatuses(t *testing.T) {
	url, roots := backend(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		code, typ, _ := strings.Cut(string(body), " ")
		n, _ := strconv.Atoi(code)
		w.Header().Set("Content-Type", typ)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(n)
		if n != http.StatusNoContent {
			_, _ = w.Write([]byte("because\n\x00 " + strings.Repeat("é", 999)))
		}
	})
	e := start(t, map[string]string{"orders": url}, roots)
	for code, want := range map[string]wire.Status{
		"200": wire.StatusOK, "201": wire.StatusOK, "204": wire.StatusOK,
		"301": wire.StatusInternal, "307": wire.StatusInternal, "308": wire.StatusInternal,
		"400": wire.StatusInvalid, "422": wire.StatusInvalid, "401": wire.StatusUnauthenticated, "403": wire.StatusPermissionDenied,
		"404": wire.StatusNotFound, "409": wire.StatusFailedPrecondition, "412": wire.StatusFailedPrecondition,
		"429": wire.StatusExhausted, "500": wire.StatusInternal, "418": wire.StatusInternal,
		"502": wire.StatusUnavailable, "503": wire.StatusUnavailable, "504": wire.StatusDeadline, "408": wire.StatusDeadline,
	} {
		_, err := e.call(t, "orders", "m", code+" text/plain; charset=utf-8")
		if status(err) != want {
			t.Errorf("%s: %v %v, want %v", code, status(err), err, want)
		}
		if err != nil && code[0] > '3' && (!strings.HasPrefix(err.Error(), "because   é") || len(err.Error()) > 256) {
			t.Errorf("%s: %q", code, err)
		}
		if strings.Contains(e.logs.String(), "because") {
			t.Fatalf("%s: the service's words are in the log", code)
		}
		if _, err := e.call(t, "orders", "m", code+" text/html"); err != nil && strings.Contains(err.Error(), "because") {
			t.Errorf("%s: a device is shown HTML", code)
		}
	}
}

// A sync of a kind that the backend numbers goes over HTTP as JSON.
func TestSync(t *testing.T) {
	answer := ""
	url, roots := backend(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := signature.VerifyRequest(r, secret)
		var asked struct{ Since, Limit string }
		if err != nil || json.Unmarshal(c.Body, &asked) != nil || asked.Since != "17" || asked.Limit != "0" || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("asked %s, %v", c.Body, err)
		}
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write([]byte(answer))
	})
	e := start(t, map[string]string{"sync.account": url}, roots)
	request, _ := proto.Marshal(&wirepb.SyncRequest{Since: 17})
	answer = `{"items":[{"version":"18","data":"aGVsbG8="},{"version":19}],"head":"20","more":true,"snapshot_needed":true,"resetToHead":false,"new_field":1}`
	body, err := e.call(t, "sync", "account", string(request))
	var got wirepb.SyncResponse
	if err != nil || proto.Unmarshal(body, &got) != nil {
		t.Fatalf("%q, %v", body, err)
	}
	if len(got.Items) != 2 || got.Items[0].Version != 18 || string(got.Items[0].Data) != "hello" || got.Head != 20 || !got.More || !got.SnapshotNeeded {
		t.Errorf("%v", &got)
	}
	for _, bad := range []string{"", "[]", `{"head":"x"}`, `{"head":1`, "\x00", `{"items":[{"data":"` + strings.Repeat("A", 88_000) + `"}]}`, strings.Repeat(" ", 200_000)} {
		answer = bad
		if _, err := e.call(t, "sync", "account", string(request)); status(err) != wire.StatusInternal || !strings.Contains(err.Error(), "the service's answer") {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
	if _, err := e.call(t, "sync", "account", "\xff"); status(err) != wire.StatusInvalid {
		t.Errorf("a request that is no protobuf: %v", err)
	}
}

func TestBounds(t *testing.T) {
	url, roots := backend(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := strconv.Atoi(r.Header.Get("Hawser-Method"))
		chunk := make([]byte, 4096)
		for ; n > 0; n -= len(chunk) {
			if _, err := w.Write(chunk[:min(n, len(chunk))]); err != nil {
				return
			}
		}
	})
	e := start(t, map[string]string{"orders": url}, roots)
	if body, err := e.call(t, "orders", strconv.Itoa(routing.MaxAnswer), ""); err != nil || len(body) != routing.MaxAnswer {
		t.Errorf("the greatest answer: %d bytes, %v", len(body), err)
	}
	for _, n := range []int{routing.MaxAnswer + 1, 1 << 30} {
		if _, err := e.call(t, "orders", strconv.Itoa(n), ""); status(err) != wire.StatusInternal || !strings.Contains(err.Error(), "the service's answer has more") {
			t.Errorf("%d bytes: %v", n, err)
		}
	}
	if _, err := e.call(t, "orders", "1", strings.Repeat("x", wire.MaxBody)); err != nil {
		t.Errorf("the greatest request: %v", err)
	}
}

// Only the verified token says who asks; a service's certificate must be good;
// a redirect leads nowhere; what was signed for one tenant means nothing to
// another.
func TestTrust(t *testing.T) {
	var asked atomic.Int32
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer elsewhere.Close()
	url, roots := backend(t, func(w http.ResponseWriter, r *http.Request) {
		if _, err := signature.VerifyRequest(r, secret); err != nil {
			http.Error(w, err.Error(), http.StatusUnauthorized)
			return
		}
		if r.Header.Get("Hawser-Method") == "redirect" {
			http.Redirect(w, r, elsewhere.URL, http.StatusTemporaryRedirect)
		}
	})
	e := start(t, map[string]string{"orders": url}, roots)
	call := func(c relay.Call) error {
		c.Service, c.Device = "orders", "d1"
		if c.Method == "" {
			c.Method = "m"
		}
		_, err := e.relay.Call(t.Context(), c)
		return err
	}
	for name, tt := range map[string]struct {
		call relay.Call
		want wire.Status
	}{
		"right":             {relay.Call{Tenant: "acme", User: "u1", Token: "acme.u1.d1"}, wire.StatusOK},
		"no token":          {relay.Call{Tenant: "acme", User: "u1"}, wire.StatusUnauthenticated},
		"another tenant's":  {relay.Call{Tenant: "acme", User: "u1", Token: "globex.u1.d1"}, wire.StatusPermissionDenied},
		"another's secret":  {relay.Call{Tenant: "globex", User: "u1", Token: "globex.u1.d1"}, wire.StatusUnauthenticated},
		"redirect":          {relay.Call{Tenant: "acme", User: "u1", Token: "acme.u1.d1", Method: "redirect"}, wire.StatusInternal},
		"an edge that lies": {relay.Call{Tenant: "acme", User: "somebody", Token: "acme.u1.d1"}, wire.StatusOK},
	} {
		if err := call(tt.call); status(err) != tt.want {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if asked.Load() != 0 {
		t.Error("a redirect was followed")
	}
	strange := start(t, map[string]string{"orders": url}, nil) // knows no authority of the service
	if _, err := strange.call(t, "orders", "m", ""); status(err) != wire.StatusUnavailable {
		t.Errorf("a certificate that nobody vouches for: %v", err)
	}
	for _, l := range []*logs{e.logs, strange.logs} {
		for _, word := range []string{string(secret), "acme.u1.d1", "v1="} {
			if strings.Contains(l.String(), word) {
				t.Errorf("the log has %q", word)
			}
		}
	}
}

// What an edge, which stands in the open, can publish by itself.
func TestRawRequests(t *testing.T) {
	var asked atomic.Int32
	url, roots := backend(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	e := start(t, map[string]string{"orders": url}, roots)
	nc := e.nats.Conn(routing.RoleEdge, "hk1")
	for name, m := range map[string]*nats.Msg{
		"method":   {Subject: "hawser.v1.up.acme.orders.a%2f", Header: nats.Header{"Hawser-Token": {"acme.u1.d1"}}},
		"too long": {Subject: "hawser.v1.up.acme.orders." + strings.Repeat("m", 65), Header: nats.Header{"Hawser-Token": {"acme.u1.d1"}}},
		"body":     {Subject: "hawser.v1.up.acme.orders.m", Data: make([]byte, 128<<10), Header: nats.Header{"Hawser-Token": {"acme.u1.d1"}}},
		"token":    {Subject: "hawser.v1.up.acme.orders.m", Header: nats.Header{"Hawser-Token": {"a\r\nb"}}},
	} {
		reply, err := nc.RequestMsg(m, 5*time.Second)
		if err != nil || reply.Header.Get("Nats-Service-Error-Code") == "" {
			t.Errorf("%s: %v, %v", name, reply, err)
		}
	}
	if asked.Load() != 0 {
		t.Errorf("the service was asked %d times", asked.Load())
	}
}

// The device's deadline ends the HTTP request too, and an end of the process
// waits for what has begun.
func TestDeadline(t *testing.T) {
	gone := make(chan struct{})
	url, roots := backend(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		select {
		case <-r.Context().Done():
			close(gone)
		case <-time.After(2 * time.Minute):
		}
	})
	e := start(t, map[string]string{"orders": url}, roots)
	if _, err := e.callFor(t, "orders", "m", "", 200*time.Millisecond); status(err) != wire.StatusDeadline {
		t.Errorf("%v", err)
	}
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the service still works for a device that has given up")
	}
}

// A service that is away is asked a few times; then devices hear so at once,
// until it is back. A slow one holds its tenant's places only.
func TestBreakerAndPlaces(t *testing.T) {
	var healthy atomic.Bool
	release := make(chan struct{})
	url, roots := backend(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("Hawser-Method") == "hang":
			<-release
		case !healthy.Load():
			w.WriteHeader(http.StatusBadGateway)
		}
	})
	e := start(t, map[string]string{"orders": url + "/1", "reports": url + "/2"}, func(c *httpservice.Config) { roots(c); c.MaxCalls = 2 })
	for range 5 {
		if _, err := e.call(t, "orders", "m", ""); status(err) != wire.StatusUnavailable || strings.Contains(err.Error(), "ask again") {
			t.Fatalf("%v", err)
		}
	}
	// Past the edge's own breaker, to see the router's.
	nc := e.nats.Conn(routing.RoleEdge, "hk1")
	raw := func(subject string) *nats.Msg {
		m, err := nc.RequestMsg(&nats.Msg{Subject: subject, Header: nats.Header{"Hawser-Token": {"acme.u1.d1"}}}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := raw("hawser.v1.up.acme.orders.m"); m.Header.Get("Nats-Service-Error-Code") != "503" || !strings.Contains(m.Header.Get("Nats-Service-Error"), "ask again later") {
		t.Errorf("%v", m.Header)
	}
	healthy.Store(true)
	if m := raw("hawser.v1.up.acme.reports.m"); m.Header.Get("Nats-Service-Error-Code") != "" {
		t.Errorf("another service: %v", m.Header)
	}
	for start := time.Now(); raw("hawser.v1.up.acme.orders.m").Header.Get("Nats-Service-Error-Code") != ""; time.Sleep(20 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatal("never let through again")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for range 2 {
		go func() {
			for ctx.Err() == nil { // one may be refused while the test asks
				_, _ = e.relay.Call(ctx, relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "acme.u1.d1", Service: "reports", Method: "hang"})
			}
		}()
	}
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		if m := raw("hawser.v1.up.acme.reports.m"); m.Header.Get("Nats-Service-Error-Code") == "429" {
			break
		}
		if time.Since(start) > time.Minute {
			t.Fatal("the places are not bounded")
		}
	}
	m, err := nc.RequestMsg(&nats.Msg{Subject: "hawser.v1.up.globex.orders.m", Header: nats.Header{"Hawser-Token": {"globex.u1.d1"}}}, time.Minute)
	if err != nil || m.Header.Get("Nats-Service-Error-Code") != "" {
		t.Errorf("another tenant: %v, %v", m, err)
	}
	cancel()
	close(release)
}

// One of several routers takes a call.
func TestQueueGroup(t *testing.T) {
	var asked atomic.Int32
	url, roots := backend(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	var cfg httpservice.Config
	e := start(t, map[string]string{"orders": url}, func(c *httpservice.Config) { roots(c); cfg = *c })
	run(t, cfg)
	for range 20 {
		if _, err := e.call(t, "orders", "m", ""); err != nil {
			t.Fatal(err)
		}
	}
	if asked.Load() != 20 {
		t.Errorf("the service was asked %d times for 20 calls", asked.Load())
	}
}

// A router that stops answers every call that it was given, and takes no more.
func TestStop(t *testing.T) {
	const calls = 20
	begun, release := make(chan struct{}, calls), make(chan struct{})
	url, roots := backend(t, func(http.ResponseWriter, *http.Request) { begun <- struct{}{}; <-release })
	e := start(t, map[string]string{"orders": url}, roots)
	answers := make(chan error, calls)
	for range calls {
		go func() {
			_, err := e.relay.Call(t.Context(), relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "acme.u1.d1", Service: "orders", Method: "m"})
			answers <- err
		}()
	}
	for range calls {
		<-begun
	}
	time.AfterFunc(50*time.Millisecond, func() { close(release) })
	e.stop()
	for range calls {
		if err := <-answers; err != nil {
			t.Errorf("a call that had begun: %v", err)
		}
	}
	if _, err := e.call(t, "orders", "m", ""); status(err) != wire.StatusUnavailable {
		t.Errorf("a call after the end: %v", err)
	}
}

func TestNewRefuses(t *testing.T) {
	for words, url := range map[string]string{"https": "http://example.com/x", "must be": "ftp://127.0.0.1/", "no secret": ""} {
		secrets := map[string][][]byte{"acme": {secret}}
		if url == "" {
			url, secrets = "https://example.com", nil
		}
		catalog, err := routing.NewCatalog([]routing.Tenant{{Name: "acme", Kinds: map[string]routing.Kind{"m": {}}, Services: []string{"orders"}, HTTP: map[string]string{"orders": url}}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := httpservice.New(httpservice.Config{Catalog: catalog, Secrets: secrets}); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
}
