package publish_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/publish"
)

// An event of no fields takes two or three bytes in a request. A call that is
// made of them must not take a hundred times its size of memory.
func TestManyOfNothing(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	url := r.serveHTTP(t)
	const size = 4<<20 - 1000
	for typ, body := range map[string]string{
		"application/json":  `{"entries":[{}` + strings.Repeat(",{}", size/3) + `]}`,
		"application/proto": strings.Repeat("\x1a\x00", size/2),
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/hawser.v1.Publisher/NotifyMany", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", typ)
		req.Header.Set("Authorization", "Bearer "+apiKey)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		runtime.ReadMemStats(&after)
		if err != nil || resp.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), "make several calls") {
			t.Errorf("%s: %s %s, %v", typ, resp.Status, text, err)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) >> 20; took > 64 {
			t.Errorf("%s: took %d MiB", typ, took)
		}
	}
	// Braces in text are no events.
	status, answer := postTo(t, url, "NotifyMany", `{"users":["u1"],"event":{"kind":"messages","push":{"title":"\"`+strings.Repeat("{", 6000)+`"}}}`)
	if status == http.StatusBadRequest && strings.Contains(fmt.Sprint(answer), "several calls") {
		t.Errorf("%d %v", status, answer)
	}
}

// The bodies of one tenant's calls that are still on their way take few places,
// and the next is refused before it is read.
func TestBodiesHavePlaces(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	addr := strings.TrimPrefix(r.serveHTTP(t), "http://")
	begin := func(key string) net.Conn {
		t.Helper()
		conn, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		if _, err := io.WriteString(conn, "POST /hawser.v1.Publisher/NotifyMany HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"+
			"Authorization: Bearer "+key+"\r\nContent-Length: 4000000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	answered := func(conn net.Conn, within time.Duration) string {
		_ = conn.SetReadDeadline(time.Now().Add(within))
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return ""
		}
		defer func() { _ = resp.Body.Close() }()
		body, _ := io.ReadAll(resp.Body)
		return resp.Status + " " + string(body)
	}
	for range 8 {
		begin(apiKey)
	}
	// One that comes before all the others are waited for is waited for too.
	got := ""
	for end := time.Now().Add(time.Minute); got == "" && time.Now().Before(end); {
		got = answered(begin(apiKey), time.Second)
	}
	if !strings.Contains(got, "too many calls of NotifyMany") {
		t.Errorf("one too many was told %q", got)
	}
	if got := answered(begin("key-of-globex"), 300*time.Millisecond); got != "" {
		t.Errorf("another tenant was told %q", got)
	}
}

// While the log does not answer, the events of NotifyMany leave places for
// those that come one by one, of other tenants above all.
func TestManyLeavesPlaces(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, func(c *publish.Config) {
		c.MaxInFlight, c.AttemptTimeout, c.MaxWait = 8, 50*time.Millisecond, 2*time.Second
	})
	r.srv.Shutdown()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		req := &hawserv1.NotifyManyRequest{Event: &hawserv1.NotifyRequest{Kind: "messages"}}
		for i := range 500 {
			req.Users = append(req.Users, fmt.Sprintf("u%d", i))
		}
		_, _ = r.svc.NotifyMany(ctx, "acme", req)
	}()
	defer func() { cancel(); <-ended }()
	time.Sleep(100 * time.Millisecond) // its events hold what they can get
	bounded, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	_, err := r.svc.Publish(bounded, "globex", publish.Request{User: "u", Kind: "messages"})
	if err == nil || strings.Contains(err.Error(), "too many events") {
		t.Errorf("another tenant's event: %v", err)
	}
}
