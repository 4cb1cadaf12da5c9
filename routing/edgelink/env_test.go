package edgelink_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// A router that stands still for a while on a busy machine stays present:
// tests that are about being forgotten shorten Present.
var timing = edgelink.Timing{
	Beat: 50 * time.Millisecond, Present: time.Minute, Settle: 150 * time.Millisecond,
	Window: 300 * time.Millisecond, Request: 300 * time.Millisecond,
}

const incarnation = 1_700_000_000_000

// env is a server with the roles' permissions, and one edge.
type env struct {
	t    *testing.T
	srv  *natstest.Server
	link *edgelink.Link
	hub  *hub
	reg  *prometheus.Registry
	stop func()
}

// start runs an edge's link; change adapts its configuration.
func start(t *testing.T, change func(*edgelink.Config)) *env {
	t.Helper()
	srv := natstest.Run(t,
		routing.User{Role: routing.RoleEdge, Label: "e1"},
		routing.User{Role: routing.RoleRouter, Label: "r1"},
		routing.User{Role: routing.RoleRouter, Label: "r2"})
	e := &env{t: t, srv: srv, hub: newHub(), reg: prometheus.NewRegistry()}
	cfg := edgelink.Config{
		Edge: "e1", Incarnation: incarnation, Conn: e.edgeConn(), Handler: e.hub, Registerer: e.reg, Timing: timing,
	}
	if change != nil {
		change(&cfg)
	}
	e.run(cfg)
	return e
}

func (e *env) edgeConn() *nats.Conn {
	e.t.Helper()
	opts := append(routing.ConnectOptions(routing.RoleEdge, "e1"),
		nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if strings.Contains(strings.ToLower(err.Error()), "permission") {
				e.t.Errorf("the edge's permissions do not suffice: %v", err)
			}
		}))
	return e.srv.Conn(routing.RoleEdge, "e1", opts...)
}

func (e *env) run(cfg edgelink.Config) {
	e.t.Helper()
	link, err := edgelink.New(cfg)
	if err != nil {
		e.t.Fatal(err)
	}
	e.link = link
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := link.Run(ctx); err != nil {
			e.t.Error(err)
		}
	})
	e.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	e.t.Cleanup(e.stop)
}

// register adds sessions first..last and returns what routers must know.
func (e *env) register(first, last uint64) map[uint64]string {
	m := map[uint64]string{}
	for c := first; c <= last; c++ {
		e.link.Register(session(c))
		m[c] = user(c)
	}
	return m
}

func user(conn uint64) string { return fmt.Sprintf("u%d", conn) }

func session(conn uint64) edgelink.Session {
	return edgelink.Session{Conn: conn, Tenant: "acme", User: user(conn), Device: "d1", Epoch: incarnation + int64(conn)}
}

// verified waits until each of the sessions got its heads at least n times.
func (e *env) verified(n int, conns map[uint64]string) {
	e.t.Helper()
	missing := func() (m []uint64) {
		for c := range conns {
			if e.hub.count(c) < n {
				m = append(m, c)
			}
		}
		return m
	}
	eventually(e.t, func() bool { return len(missing()) == 0 },
		func() any { return fmt.Sprintf("%d of %d sessions got no heads", len(missing()), len(conns)) })
}

// knows waits until the edge has heard of that many routers: before, sessions
// are verified without them.
func (e *env) knows(routers float64) {
	e.t.Helper()
	heard := func() float64 { return metrictest.Value(e.t, e.reg, "hawser_edgelink_routers") }
	eventually(e.t, func() bool { return heard() == routers }, func() any { return heard() })
}

// unverified watches for a while that no session gets heads.
func (e *env) unverified() {
	e.t.Helper()
	time.Sleep(400 * time.Millisecond)
	if n := e.hub.total(); n != 0 {
		e.t.Fatalf("%d sessions got heads", n)
	}
}

// hub is the edge's sessions.
type hub struct {
	backs atomic.Int64

	mu sync.Mutex
	// Guarded by mu.
	heads      map[uint64]int
	wrong      int
	superseded []uint64
	refused    []uint64
	cuts       []string
	notified   []string
	answer     edgelink.AnswerState
}

func newHub() *hub { return &hub{heads: map[uint64]int{}, answer: edgelink.InFlight} }

func (h *hub) Back() { h.backs.Add(1) }

func (h *hub) NotifyCalm(conn uint64, router, kind string, version, previous int64) edgelink.Answer {
	return h.Notify(conn, router, kind, version, previous)
}

func (h *hub) Notify(conn uint64, router, kind string, version, previous int64) edgelink.Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.notified = append(h.notified, fmt.Sprint(conn, " ", router, " ", kind, " ", version, " ", previous))
	return edgelink.Answer{Conn: conn, Kind: kind, State: h.answer, Acked: 5, Version: version}
}

func (h *hub) Heads(conn uint64, heads []edgelink.Head) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.heads[conn]++
	if len(heads) != 1 || heads[0] != (edgelink.Head{Kind: "messages", Version: headOf(user(conn))}) {
		h.wrong++
	}
}

func (h *hub) Supersede(conn uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.superseded = append(h.superseded, conn)
}

func (h *hub) RefuseEpoch(conn uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.refused = append(h.refused, conn)
}

func (h *hub) Surplus(conn uint64) { h.Cut(conn, -1, -1) }

func (h *hub) Cut(conn uint64, sessionsMs, tokensS int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cuts = append(h.cuts, fmt.Sprint(conn, " ", sessionsMs, " ", tokensS))
}

func (h *hub) count(conn uint64) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.heads[conn]
}

func (h *hub) total() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.heads {
		n += c
	}
	return n
}
