package router

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

const tenant = "demo"

// env is a NATS server with hawser's users and streams.
type env struct {
	t   *testing.T
	srv *natstest.Server
	nc  *nats.Conn
	js  jetstream.JetStream
	cat *routing.Catalog
	n   int
	// published is the sequence of the last event.
	published uint64
	// maxPending is the routers'; 0: the default.
	maxPending int
	// awayFor is the routers'; 0: the default.
	awayFor time.Duration
	// ackWait is the consumer's and the routers'.
	ackWait time.Duration
}

// newEnv lets the test run beside others: most of its time it waits.
func newEnv(t *testing.T) *env {
	t.Helper()
	return newEnvWaiting(t, 2*time.Second)
}

func newEnvWaiting(t *testing.T, ackWait time.Duration) *env {
	t.Helper()
	t.Parallel()
	e := &env{t: t, ackWait: ackWait, srv: natstest.Run(t,
		routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RoleRouter, Label: "r2"},
		routing.User{Role: routing.RoleRouter, Label: "test"}, routing.User{Role: routing.RolePush, Label: "p1"},
		routing.User{Role: routing.RoleEdge, Label: "e1"}, routing.User{Role: routing.RoleEdge, Label: "e2"},
		routing.User{Role: routing.RoleOperator, Label: "operator"},
	)}
	e.nc, e.js = e.srv.JetStream("test", routing.StreamOptions{AckWait: ackWait})
	e.cat = catalog(t)
	return e
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

func catalog(t *testing.T) *routing.Catalog {
	t.Helper()
	c, err := routing.NewCatalog([]routing.Tenant{{Name: tenant, Kinds: map[string]routing.Kind{
		"messages": {Push: routing.PushDefaults{Title: "News"}, Urgency: routing.UrgencyHigh},
		"posts":    {Push: routing.PushDefaults{Title: "Posts", Window: time.Hour}},
		"calls":    {Push: routing.PushDefaults{Title: "Call", Strict: true}},
		"quiet":    {Push: routing.PushDefaults{Mode: routing.PushNone}, Urgency: routing.UrgencyHigh},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// running is a router that runs until the test's end or stop.
type running struct {
	*Router
	stop func()
}

func (e *env) router(name string, hooks Hooks) *running {
	e.t.Helper()
	return e.routerOn(name, e.srv.Conn(routing.RoleRouter, name), hooks)
}

func (e *env) routerOn(name string, conn *nats.Conn, hooks Hooks) *running {
	e.t.Helper()
	js, err := jetstream.New(conn)
	if err != nil {
		e.t.Fatal(err)
	}
	r, err := New(Config{
		Name: name, Conn: conn, JS: js, Catalog: e.cat, AckWait: e.ackWait,
		Listen: 400 * time.Millisecond, Log: discard(), Hooks: hooks, MaxPending: e.maxPending, AwayFor: e.awayFor,
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return e.start(r)
}

func (e *env) start(r *Router) *running {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	stop := sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			e.t.Error(err)
		}
	})
	e.t.Cleanup(stop)
	return &running{r, stop}
}

func (e *env) readyRouter(name string, hooks Hooks) *running {
	e.t.Helper()
	r := e.router(name, hooks)
	eventually(e.t, name+" is ready", r.Ready)
	return r
}

// publish stores an event and returns its version.
func (e *env) publish(user, kind string, change ...func(*routing.Event)) int64 {
	e.t.Helper()
	e.n++
	ev := routing.Event{Tenant: tenant, User: user, Kind: kind, ID: fmt.Sprint(e.n), Item: []byte("x")}
	for _, c := range change {
		c(&ev)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	ack, err := e.js.PublishMsg(ctx, ev.Message())
	if err != nil {
		e.t.Fatal(err)
	}
	e.published = max(e.published, ack.Sequence)
	return int64(ack.Sequence)
}

// open returns how many events the log still waits for; -1: it does not say.
func (e *env) open() int {
	info := e.reading()
	if info == nil {
		return -1
	}
	return info.NumAckPending + int(info.NumPending)
}

// reading is how far routers have read the log, nil if it does not say.
func (e *env) reading() *jetstream.ConsumerInfo {
	// What a server is asked while it starts it may never answer.
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := e.js.Consumer(ctx, routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		return nil
	}
	return c.CachedInfo()
}

// settled waits until every event is. The log may acknowledge one to its
// publisher a moment before it counts it as open.
func (e *env) settled() {
	e.t.Helper()
	eventually(e.t, "every event is acknowledged", func() bool {
		info := e.reading()
		return info != nil && info.NumAckPending == 0 && info.NumPending == 0 && info.Delivered.Stream >= e.published
	})
}

// count is the number of messages in a stream.
func (e *env) count(stream string) int { return int(e.state(stream).Msgs) }

// everStored is the number of messages that were ever stored in a stream, those
// too that are gone.
func (e *env) everStored(stream string) int { return int(e.state(stream).LastSeq) }

func (e *env) state(stream string) jetstream.StreamState {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := e.js.Stream(ctx, stream)
	if err != nil {
		e.t.Fatal(err)
	}
	return s.CachedInfo().State
}

// job returns the version of the stored push job, 0 when there is none.
func (e *env) job(user, device, kind string) int64 { return e.stored(user, device, kind).Version }

// stored returns the push job that is stored, also one that waits for its time.
func (e *env) stored(user, device, kind string) pushqueue.Job {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s, err := e.js.Stream(ctx, routing.StreamPush)
	if err != nil {
		e.t.Fatal(err)
	}
	m, err := s.GetLastMsgForSubject(ctx, routing.PushSlot(tenant, user, device, kind))
	if err != nil {
		return pushqueue.Job{}
	}
	j, err := pushqueue.Parse(m.Subject, m.Data)
	if err != nil {
		e.t.Fatal(err)
	}
	return j
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("not within a minute: %s", what)
}

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

// present is whether a record with a token is in the bucket.
func (e *env) present(user, device string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	kv, err := e.js.KeyValue(ctx, routing.BucketDevices)
	if err != nil {
		e.t.Fatal(err)
	}
	v, err := kv.Get(ctx, routing.DeviceKey(tenant, user, device))
	return err == nil && v.Operation() == jetstream.KeyValuePut
}

var _ edgelink.Handler = (*hub)(nil)
