package service_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/service"
)

// tokens are such as "demo.alice.phone".
type tokens struct{}

func (tokens) Verify(jwt string) (tenant, user, device string, err error) {
	parts := strings.Split(jwt, ".")
	if len(parts) != 3 {
		return "", "", "", errors.New("not a token")
	}
	return parts[0], parts[1], parts[2], nil
}

// env is a service named sync of the tenant demo and a connection of an edge
// that asks it.
type env struct {
	t       *testing.T
	svc     *service.Service
	backend *nats.Conn
	edge    *nats.Conn
	log     *strings.Builder
}

func start(t *testing.T, change func(*service.Config)) *env {
	t.Helper()
	s := natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: "hk1"}, routing.User{Role: routing.RoleBackend, Label: "demo"})
	e := &env{t: t, backend: s.Conn(routing.RoleBackend, "demo"), edge: s.Conn(routing.RoleEdge, "hk1", nats.CustomInboxPrefix(routing.InboxPrefix(routing.RoleEdge, "hk1")+".up.demo")), log: &strings.Builder{}}
	cfg := service.Config{
		Conn: e.backend, Tenant: "demo", Name: "sync", Version: "1.0.0",
		Verifier: tokens{}, Log: slog.New(slog.NewTextHandler(e.log, nil)),
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if e.svc, err = service.New(cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.svc.Close() })
	return e
}

type syncHandler = func(context.Context, service.Caller, *wirepb.SyncRequest) (*wirepb.SyncResponse, error)

func (e *env) handle(method string, h syncHandler) {
	e.t.Helper()
	if err := errors.Join(service.Handle(e.svc, method, h), e.backend.Flush()); err != nil {
		e.t.Fatal(err)
	}
}

// ask sends a request as an edge does.
func (e *env) ask(method, token string, body []byte, deadline string) *nats.Msg {
	m, err := e.edge.RequestMsg(&nats.Msg{
		Subject: routing.UpstreamSubject("demo", "sync", method), Data: body,
		Header: nats.Header{"Hawser-Token": {token}, "Hawser-Deadline-Ms": {deadline}},
	}, 10*time.Second)
	if err != nil {
		e.t.Errorf("%s: %v", method, err)
		return &nats.Msg{}
	}
	return m
}

func code(m *nats.Msg) string { return m.Header.Get("Nats-Service-Error-Code") }

func words(m *nats.Msg) string { return m.Header.Get("Nats-Service-Error") }

func TestHandle(t *testing.T) {
	e := start(t, nil)
	e.handle("account", func(ctx context.Context, c service.Caller, req *wirepb.SyncRequest) (*wirepb.SyncResponse, error) {
		if c != (service.Caller{Tenant: "demo", User: "alice", Device: "phone"}) {
			t.Errorf("caller %+v", c)
		}
		end, _ := ctx.Deadline()
		if left := time.Until(end); left < 3*time.Second || left > 5*time.Second {
			t.Errorf("the device waits 5 s, the handler %v", left)
		}
		return &wirepb.SyncResponse{Head: req.GetSince() + 1}, nil
	})
	body, _ := proto.Marshal(&wirepb.SyncRequest{Since: 6})
	m := e.ask("account", "demo.alice.phone", body, "5000")
	var resp wirepb.SyncResponse
	if code(m) != "" || proto.Unmarshal(m.Data, &resp) != nil || resp.Head != 7 {
		t.Errorf("%v %v", m.Header, &resp)
	}
	for name, tt := range map[string]struct{ token, body, want string }{
		"no token":         {"", "", "401"},
		"another tenant's": {"other.alice.phone", "", "403"},
		"no protobuf":      {"demo.alice.phone", "\xff", "400"},
	} {
		if m := e.ask("account", tt.token, []byte(tt.body), "5000"); code(m) != tt.want {
			t.Errorf("%s: %v", name, m.Header)
		}
	}
	_ = e.svc.Close() // so that the last call has been counted
	if s := e.svc.Stats()["account"]; s.Calls != 4 || s.Errors != 3 || s.InFlight != 0 {
		t.Errorf("stats %+v", s)
	}
}

// A device hears what a service means to tell it and nothing else.
func TestErrors(t *testing.T) {
	e := start(t, nil)
	for method, err := range map[string]error{
		"told":     service.Errorf(wire.StatusNotFound, "there is no %s", "tea\r\nleft"),
		"wrapped":  fmt.Errorf("order 7: %w", service.Errorf(wire.StatusExhausted, "slowly")),
		"internal": errors.New("dial tcp 10.0.0.7: the house's secret"),
		"deadline": fmt.Errorf("query: %w", context.DeadlineExceeded),
		"ok":       service.Errorf(wire.StatusOK, "an error that says ok"),
	} {
		e.handle(method, func(context.Context, service.Caller, *wirepb.SyncRequest) (*wirepb.SyncResponse, error) {
			return nil, err
		})
	}
	e.handle("large", func(context.Context, service.Caller, *wirepb.SyncRequest) (*wirepb.SyncResponse, error) {
		return &wirepb.SyncResponse{Items: []*wirepb.Item{{Data: make([]byte, routing.MaxAnswer)}}}, nil
	})
	for method, want := range map[string][2]string{
		"told": {"404", "there is no tea  left"}, "wrapped": {"429", "order 7: slowly"}, "internal": {"500", "the service failed"},
		"deadline": {"504", "the service did not finish in time"}, "ok": {"500", "the service failed"}, "large": {"500", "the service failed"},
	} {
		if m := e.ask(method, "demo.alice.phone", nil, ""); code(m) != want[0] || words(m) != want[1] {
			t.Errorf("%s: %q %q, want %q", method, code(m), words(m), want)
		}
	}
	_ = e.svc.Close()
	if text := e.log.String(); !strings.Contains(text, "10.0.0.7") || !strings.Contains(text, "at most") || strings.Contains(text, "demo.alice.phone") {
		t.Errorf("the log: %s", text)
	}
}

// Calls run side by side up to a bound, end when the device stops waiting, and
// are finished by Close.
func TestBoundsAndClose(t *testing.T) {
	e := start(t, func(c *service.Config) { c.MaxCalls = 2 })
	begun := make(chan struct{}, 2)
	release := make(chan struct{})
	e.handle("wait", func(context.Context, service.Caller, *wirepb.SyncRequest) (*wirepb.SyncResponse, error) {
		begun <- struct{}{}
		<-release
		return &wirepb.SyncResponse{Head: 1}, nil
	})
	e.handle("slow", func(ctx context.Context, _ service.Caller, _ *wirepb.SyncRequest) (*wirepb.SyncResponse, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	})
	if m := e.ask("slow", "demo.alice.phone", nil, "50"); code(m) != "504" {
		t.Errorf("%v", m.Header)
	}
	var waiting sync.WaitGroup
	for range 2 {
		waiting.Go(func() {
			if m := e.ask("wait", "demo.alice.phone", nil, ""); code(m) != "" {
				t.Errorf("a call that Close waited for: %v", m.Header)
			}
		})
	}
	<-begun
	<-begun
	if m := e.ask("wait", "demo.alice.phone", nil, ""); code(m) != "429" {
		t.Errorf("above the bound: %v", m.Header)
	}
	closed := make(chan struct{})
	go func() {
		_ = e.svc.Close()
		close(closed)
	}()
	time.Sleep(50 * time.Millisecond)
	select {
	case <-closed:
		t.Error("Close did not wait")
	default:
	}
	close(release)
	<-closed
	waiting.Wait()
}

func TestNewRefuses(t *testing.T) {
	for words, cfg := range map[string]service.Config{
		"tenant":   {Tenant: "a.b", Name: "x", Verifier: tokens{}},
		"service":  {Tenant: "a", Name: "x.>", Verifier: tokens{}},
		"Verifier": {Tenant: "a", Name: "x"},
	} {
		if _, err := service.New(cfg); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", words, err)
		}
	}
	e := start(t, nil)
	h := func(context.Context, service.Caller, *wirepb.SyncRequest) (*wirepb.SyncResponse, error) {
		return nil, nil
	}
	if err := service.Handle(e.svc, "a.*", syncHandler(h)); err == nil {
		t.Error("a method that is a pattern")
	}
}

// Whoever NATS lets ask finds the service, and what it has done, in micro's
// way.
func TestDiscovery(t *testing.T) {
	nc := natstest.Run(t).Conn(routing.RoleBackend, "demo")
	svc, err := service.New(service.Config{Conn: nc, Tenant: "demo", Name: "orders", Version: "1.0.0", Verifier: tokens{}})
	if err != nil {
		t.Fatal(err)
	}
	h := func(context.Context, service.Caller, *wirepb.SyncRequest) (*wirepb.SyncResponse, error) {
		return &wirepb.SyncResponse{}, nil
	}
	if err := service.Handle(svc, "list", h); err != nil {
		t.Fatal(err)
	}
	req := nats.NewMsg(routing.UpstreamSubject("demo", "orders", "list"))
	req.Header.Set("Hawser-Token", "demo.alice.phone")
	if m, err := nc.RequestMsg(req, 5*time.Second); err != nil || code(m) != "" {
		t.Fatalf("%v, %v", m, err)
	}
	if m, err := nc.Request("$SRV.PING.orders", nil, time.Minute); err != nil || !strings.Contains(string(m.Data), `"name":"orders"`) {
		t.Errorf("ping: %v, %v", m, err)
	}
	if m, err := nc.Request("$SRV.STATS.orders", nil, time.Minute); err != nil || !strings.Contains(string(m.Data), `"calls":1`) {
		t.Errorf("stats: %v, %v", m, err)
	}
	if err := svc.Close(); err != nil {
		t.Error(err)
	}
}
