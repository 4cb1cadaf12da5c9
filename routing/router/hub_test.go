package router

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
)

// hub is an edge's sessions behind a real link.
type hub struct {
	e    *env
	name string
	*edgelink.Link
	stop func()
	// deaf: heads are not listened to.
	deaf atomic.Bool
	// keeps: sessions that are to end go on.
	keeps atomic.Bool
	asked atomic.Int64
	// off is by how much the edge's clock is ahead, in nanoseconds.
	off atomic.Int64

	mu sync.Mutex
	// Guarded by mu.
	next     uint64
	sessions map[uint64]*session
	ended    map[uint64]bool
}

var _ edgelink.Handler = (*hub)(nil)

type session struct {
	edgelink.Session
	// silent devices do not acknowledge.
	silent          bool
	acked, notified map[string]int64
	superseded      bool
	// asks are the versions that routers wait for; see ack.
	asks map[ask]int64
}

func (e *env) edge(name string) *hub {
	e.t.Helper()
	h := &hub{e: e, name: name, sessions: map[uint64]*session{}, ended: map[uint64]bool{}}
	conn := e.srv.Conn(routing.RoleEdge, name, routing.ConnectOptions(routing.RoleEdge, name)...)
	link, err := edgelink.New(edgelink.Config{
		Edge: name, Incarnation: time.Now().UnixMilli(), Conn: conn, Handler: h,
		Now:    func() time.Time { return time.Now().Add(time.Duration(h.off.Load())) },
		Timing: edgelink.Timing{Beat: 100 * time.Millisecond, Settle: 300 * time.Millisecond, Window: time.Second},
	})
	if err != nil {
		e.t.Fatal(err)
	}
	h.Link = link
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- link.Run(ctx) }()
	h.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
	})
	e.t.Cleanup(h.stop)
	return h
}

func (h *hub) connect(user, device string, silent bool) uint64 {
	return h.connectAt(user, device, silent, time.Now().UnixMilli())
}

func (h *hub) connectAt(user, device string, silent bool, epoch int64) uint64 {
	h.mu.Lock()
	h.next++
	s := &session{
		Session: edgelink.Session{Conn: h.next, Tenant: tenant, User: user, Device: device, Epoch: epoch},
		silent:  silent, acked: map[string]int64{}, notified: map[string]int64{}, asks: map[ask]int64{},
	}
	h.sessions[s.Conn] = s
	h.mu.Unlock()
	h.Register(s.Session)
	return s.Conn
}

func (h *hub) disconnect(conn uint64) {
	h.mu.Lock()
	delete(h.sessions, conn)
	h.mu.Unlock()
	h.Unregister(conn)
}

// heard is the newest version of a kind that a session was told of.
func (h *hub) heard(conn uint64, kind string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[conn]; s != nil {
		return s.notified[kind]
	}
	return 0
}

func (h *hub) wasSuperseded(conn uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[conn] != nil && h.sessions[conn].superseded
}

func (h *hub) Notify(conn uint64, router, kind string, version, _ int64) edgelink.Answer {
	h.mu.Lock()
	defer h.mu.Unlock()
	a := edgelink.Answer{Conn: conn, Kind: kind, Version: version, State: edgelink.Gone}
	s := h.sessions[conn]
	if s == nil {
		return a
	}
	s.news(kind, version)
	a.State, a.Acked = edgelink.InFlight, s.acked[kind]
	if a.Acked >= version {
		a.State = edgelink.Acked
	} else if s.asks != nil {
		s.asks[ask{router, kind}] = version
	}
	return a
}

func (h *hub) Back() {}

func (h *hub) NotifyCalm(conn uint64, router, kind string, version, previous int64) edgelink.Answer {
	return h.Notify(conn, router, kind, version, previous)
}

// ask is a router that waits for a kind.
type ask struct{ router, kind string }

// ack takes in that a silent device acknowledges a version, and answers the
// routers that wait for it, as edges do.
func (h *hub) ack(conn uint64, kind string, version int64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sessions[conn]
	if s == nil {
		return
	}
	s.acked[kind] = max(s.acked[kind], version)
	for to, asked := range s.asks {
		if to.kind != kind {
			continue
		}
		a := edgelink.Answer{Conn: conn, Kind: kind, State: edgelink.InFlight, Acked: s.acked[kind], Version: asked}
		if a.Acked >= asked {
			a.State = edgelink.Acked
			delete(s.asks, to)
		}
		h.Answer(to.router, a)
	}
}

// news tells the device, which acknowledges at once unless it is silent.
func (s *session) news(kind string, version int64) {
	s.notified[kind] = max(s.notified[kind], version)
	if !s.silent {
		s.acked[kind] = s.notified[kind]
	}
}

func (h *hub) Heads(conn uint64, heads []edgelink.Head) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[conn]; s != nil && !h.deaf.Load() {
		for _, k := range heads {
			s.news(k.Kind, k.Version)
		}
	}
}

func (h *hub) Supersede(conn uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[conn]; s != nil {
		s.superseded = true
	}
}

func (h *hub) Surplus(conn uint64) { h.Cut(conn, 1<<60, 0) }

// Cut does what an edge does with tokens that were issued just now.
func (h *hub) Cut(conn uint64, sessionsMs, _ int64) {
	h.asked.Add(1)
	h.mu.Lock()
	defer h.mu.Unlock()
	if s := h.sessions[conn]; s != nil && s.Epoch <= sessionsMs && !h.keeps.Load() {
		delete(h.sessions, conn)
		h.ended[conn] = true
		go h.Unregister(conn) // not within the link's call
	}
}

func (h *hub) wasCut(conn uint64) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ended[conn]
}

func (h *hub) RefuseEpoch(conn uint64) { h.Supersede(conn) }

// put registers a device for pushes by way of an edge, and waits until the
// routers can know of it.
func (h *hub) put(user, device, token string, routers ...*running) {
	h.e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	before := make([]int, len(routers))
	for i, r := range routers {
		before[i] = r.metrics.totals.Load().records
	}
	if err := h.PutDevice(ctx, edgelink.Device{
		Tenant: tenant, User: user, Device: device, Platform: "ios", App: "app", PushToken: token, Epoch: h.epochOf(user, device),
	}); err != nil {
		h.e.t.Fatal(err)
	}
	for i, r := range routers {
		eventually(h.e.t, "the record is known", func() bool { return r.metrics.totals.Load().records > before[i] })
	}
}

// epochOf is the epoch that a device's record bears: its session's, as with
// edges. One without a session here had one just now.
func (h *hub) epochOf(user, device string) int64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	epoch := int64(0)
	for _, s := range h.sessions {
		if s.User == user && s.Device == device {
			epoch = max(epoch, s.Epoch)
		}
	}
	if epoch == 0 {
		return time.Now().UnixMilli()
	}
	return epoch
}
