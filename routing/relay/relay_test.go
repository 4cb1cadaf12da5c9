package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/relay"
)

func catalog(t testing.TB) *routing.Catalog {
	t.Helper()
	kinds := map[string]routing.Kind{"messages": {}}
	c, err := routing.NewCatalog([]routing.Tenant{
		{Name: "acme", Kinds: kinds, Services: []string{"orders", "reports"}, Idempotent: []string{"orders.get"}}, {Name: "globex", Kinds: kinds, Services: []string{"orders"}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newRelay(t testing.TB, change func(*relay.Config)) (*natstest.Server, *relay.Relay) {
	t.Helper()
	s := natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: "hk1"}, routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RoleRouter, Label: "r9"},
		routing.User{Role: routing.RoleBackend, Label: "acme"}, routing.User{Role: routing.RoleBackend, Label: "globex"})
	// A machine without a free processor may take seconds for an answer.
	cfg := relay.Config{Edge: "hk1", Conn: s.Conn(routing.RoleEdge, "hk1"), Catalog: catalog(t), DefaultTimeout: time.Minute}
	if change != nil {
		change(&cfg)
	}
	r, err := relay.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	return s, r
}

// service runs a real nats micro service of a tenant.
func service(t testing.TB, nc *nats.Conn, tenant string, methods map[string]micro.HandlerFunc) {
	t.Helper()
	svc, err := micro.AddService(nc, micro.Config{Name: "orders", Version: "1.0.0"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = svc.Stop() })
	for name, h := range methods {
		if err := svc.AddEndpoint(name, h, micro.WithEndpointSubject("hawser.v1.up."+tenant+".orders."+name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

func call(method string, body string) relay.Call {
	return relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "jwt", Service: "orders", Method: method, Body: []byte(body)}
}

func status(err error) wire.Status {
	var s interface{ Status() wire.Status }
	if err == nil {
		return wire.StatusOK
	}
	if !errors.As(err, &s) {
		return 255
	}
	return s.Status()
}

func TestMicroService(t *testing.T) {
	s, r := newRelay(t, nil)
	release := make(chan struct{})
	defer close(release)
	service(t, s.Conn(routing.RoleBackend, "acme"), "acme", map[string]micro.HandlerFunc{
		"echo": func(req micro.Request) {
			h := req.Headers()
			_ = req.Respond([]byte(strings.Join([]string{string(req.Data()), h.Get("Hawser-Token"), h.Get("Hawser-User"), h.Get("Hawser-Device")}, " ")))
		},
		"deadline": func(req micro.Request) { _ = req.Respond([]byte(req.Headers().Get("Hawser-Deadline-Ms"))) },
		"fail":     func(req micro.Request) { _ = req.Error(string(req.Data()), "because "+strings.Repeat("x", 900), nil) },
		"large":    func(req micro.Request) { _ = req.Respond(make([]byte, routing.MaxAnswer+1)) },
		"fits":     func(req micro.Request) { _ = req.Respond(make([]byte, routing.MaxAnswer)) },
		"hang":     func(req micro.Request) { go func() { <-release; _ = req.Respond(nil) }() },
	})
	got, err := r.Call(t.Context(), call("echo", "hello"))
	if err != nil || string(got) != "hello jwt u1 d1" {
		t.Errorf("echo: %q, %v", got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	got, err = r.Call(ctx, call("deadline", ""))
	if ms, _ := strconv.Atoi(string(got)); err != nil || ms < 1000 || ms > 8000 {
		t.Errorf("deadline: %s, %v", got, err)
	}
	if got, err = r.Call(t.Context(), call("fits", "")); err != nil || len(got) != routing.MaxAnswer {
		t.Errorf("fits: %d bytes, %v", len(got), err)
	}
	if _, err = r.Call(t.Context(), call("large", "")); status(err) != wire.StatusInternal {
		t.Errorf("large: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err = r.Call(ctx, call("hang", "")); status(err) != wire.StatusDeadline {
		t.Errorf("hang: %v", err)
	}
	for code, want := range map[string]wire.Status{
		"400": wire.StatusInvalid, "401": wire.StatusUnauthenticated, "403": wire.StatusPermissionDenied, "404": wire.StatusNotFound,
		"412": wire.StatusFailedPrecondition, "429": wire.StatusExhausted, "503": wire.StatusUnavailable, "504": wire.StatusDeadline,
		"500": wire.StatusInternal, "teapot": wire.StatusInternal,
	} {
		_, err := r.Call(t.Context(), call("fail", code))
		if status(err) != want || !strings.Contains(err.Error(), "because") || len(err.Error()) > 256 {
			t.Errorf("code %s: %v %v, want %v", code, status(err), err, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	_, r := newRelay(t, nil)
	tests := []struct {
		name   string
		change func(*relay.Call)
		want   wire.Status
		words  string
	}{
		{"nobody there", func(*relay.Call) {}, wire.StatusUnavailable, "no service answers orders/list"},
		{"not on the list", func(c *relay.Call) { c.Service = "admin" }, wire.StatusPermissionDenied, "list"},
		{"unknown tenant", func(c *relay.Call) { c.Tenant = "nobody" }, wire.StatusPermissionDenied, "list"},
		{"service of two tokens", func(c *relay.Call) { c.Service = "orders.x" }, wire.StatusInvalid, "service"},
		{"wildcard method", func(c *relay.Call) { c.Method = "*" }, wire.StatusInvalid, "method"},
		{"tenant in the method", func(c *relay.Call) { c.Method = ">" }, wire.StatusInvalid, "method"},
		{"empty method", func(c *relay.Call) { c.Method = "" }, wire.StatusInvalid, "method"},
		{"header in the user", func(c *relay.Call) { c.User = "u\r\nHawser-Token: x" }, wire.StatusInvalid, "user"},
		{"header in the token", func(c *relay.Call) { c.Token = "t\r\nHawser-User: x" }, wire.StatusUnauthenticated, "token"},
		{"sync of an unknown kind", func(c *relay.Call) { c.Service, c.Method = "sync", "nope" }, wire.StatusNotFound, "kind"},
		{"sync without responder", func(c *relay.Call) { c.Service, c.Method = "sync", "messages" }, wire.StatusUnavailable, "no service"},
		{"too large", func(c *relay.Call) { c.Body = bytes.Repeat([]byte("x"), 2<<20) }, wire.StatusInvalid, "large"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := call("list", "")
			tt.change(&c)
			_, err := r.Call(t.Context(), c)
			if status(err) != tt.want || !strings.Contains(err.Error(), tt.words) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v %v, want %v with %q", status(err), err, tt.want, tt.words)
			}
		})
	}
}

// A service that hangs leaves places for the other tenants' calls, and for
// the sync of its own.
func TestHungServiceLeavesPlaces(t *testing.T) {
	const places = 8
	s, r := newRelay(t, func(c *relay.Config) { c.MaxInFlight = places })
	release := make(chan struct{})
	hung := make(chan struct{}, places)
	nc := s.Conn(routing.RoleBackend, "acme")
	service(t, nc, "acme", map[string]micro.HandlerFunc{
		"hang": func(req micro.Request) { hung <- struct{}{}; go func() { <-release; _ = req.Respond(nil) }() },
	})
	answerSync(t, s.Conn(routing.RoleRouter, "r1"))
	service(t, s.Conn(routing.RoleBackend, "globex"), "globex", map[string]micro.HandlerFunc{
		"list": func(req micro.Request) { _ = req.Respond([]byte("globex")) },
	})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var calls sync.WaitGroup
	defer calls.Wait()
	defer close(release)
	refused := make(chan error, places)
	for range places {
		calls.Go(func() {
			if _, err := r.Call(ctx, call("hang", "")); err != nil {
				refused <- err
			}
		})
	}
	// A quarter of the places is for sync, and one service has half of the rest.
	for range places * 3 / 8 {
		<-hung
	}
	for range places * 5 / 8 {
		if err := <-refused; status(err) != wire.StatusUnavailable {
			t.Errorf("above the share: %v", err)
		}
	}
	other := call("list", "")
	other.Tenant = "globex"
	if got, err := r.Call(ctx, other); err != nil || string(got) != "globex" {
		t.Errorf("another tenant: %q, %v", got, err)
	}
	own := call("messages", "")
	own.Service = "sync"
	if _, err := r.Call(ctx, own); err != nil {
		t.Errorf("sync: %v", err)
	}
}

// answerSync stands for hawser's own responder.
func answerSync(t *testing.T, nc *nats.Conn) {
	t.Helper()
	if _, err := nc.Subscribe(routing.SyncSubject("acme", "messages"), func(m *nats.Msg) { _ = m.Respond(nil) }); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}

// A service of one tenant neither hears another's calls nor answers them: not
// even the reply subject of a call means anything outside its account.
func TestTenantsAreApart(t *testing.T) {
	s, r := newRelay(t, nil)
	other := s.Conn(routing.RoleBackend, "globex")
	service(t, s.Conn(routing.RoleBackend, "acme"), "acme", map[string]micro.HandlerFunc{
		"list": func(req micro.Request) {
			if err := other.Publish(req.Reply(), []byte("forged")); err != nil {
				t.Error(err)
			}
			if err := other.Flush(); err != nil {
				t.Error(err)
			}
			time.Sleep(100 * time.Millisecond)
			_ = req.Respond([]byte("acme"))
		}})
	got, err := r.Call(t.Context(), call("list", ""))
	if err != nil || string(got) != "acme" {
		t.Errorf("got %q, %v", got, err)
	}
}

// What hawser numbers it answers itself: the tenant's own service can not.
func TestTenantCannotAnswerForTheLog(t *testing.T) {
	s, r := newRelay(t, nil)
	backend := s.Conn(routing.RoleBackend, "acme")
	_, err := backend.Subscribe(routing.UpstreamSubject("acme", "sync", "*"), func(m *nats.Msg) { _ = m.Respond([]byte("forged")) })
	if err != nil {
		t.Fatal(err)
	}
	if err := backend.Flush(); err != nil {
		t.Fatal(err)
	}
	c := call("messages", "")
	c.Service = "sync"
	if got, err := r.Call(t.Context(), c); status(err) != wire.StatusUnavailable {
		t.Errorf("without a router: %q, %v", got, err)
	}
	answerSync(t, s.Conn(routing.RoleRouter, "r1"))
	if got, err := r.Call(t.Context(), c); err != nil || len(got) != 0 {
		t.Errorf("with a router: %q, %v", got, err)
	}
}

func TestBounded(t *testing.T) {
	s, r := newRelay(t, func(c *relay.Config) { c.MaxInFlight = 1 })
	started, release := make(chan struct{}), make(chan struct{})
	service(t, s.Conn(routing.RoleBackend, "acme"), "acme", map[string]micro.HandlerFunc{
		"wait": func(req micro.Request) { close(started); <-release; _ = req.Respond([]byte("ok")) }})
	done := make(chan error, 1)
	go func() {
		_, err := r.Call(t.Context(), call("wait", ""))
		done <- err
	}()
	<-started
	if _, err := r.Call(t.Context(), call("wait", "")); status(err) != wire.StatusUnavailable || !strings.Contains(err.Error(), "too many") {
		t.Errorf("above the bound: %v", err)
	}
	close(release)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// Without NATS a call fails at once and is not sent later. One that was made
// before the connection was known to be gone may be.
func TestCutOff(t *testing.T) {
	// A call that is lost with the connection is not waited for.
	s, r := newRelay(t, func(c *relay.Config) { c.DefaultTimeout = 2 * time.Second })
	var n sync.Map
	add := func() {
		service(t, s.Conn(routing.RoleBackend, "acme"), "acme", map[string]micro.HandlerFunc{
			"count": func(req micro.Request) { n.Store(string(req.Data()), true); _ = req.Respond(nil) }})
	}
	add()
	var refused string
	s.Restart(func() {
		for i := range 5 {
			start, body := time.Now(), fmt.Sprintf("cut off %d", i)
			_, err := r.Call(t.Context(), call("count", body))
			if time.Since(start) < 500*time.Millisecond && status(err) == wire.StatusUnavailable {
				refused = body
				return
			}
		}
		t.Error("calls without NATS do not fail at once")
	})
	for range 3000 {
		if _, err := r.Call(t.Context(), call("count", "back")); err == nil {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if _, ok := n.Load("back"); !ok {
		t.Error("calls do not come back with NATS")
	}
	if _, ok := n.Load(refused); ok {
		t.Error("a call that had failed was sent later")
	}
}
