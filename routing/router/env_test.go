package router

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
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
	// pushLow and log are the routers'; nil: never, and none.
	pushLow func() bool
	log     *slog.Logger
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
		Listen: 400 * time.Millisecond, Log: cmp.Or(e.log, discard()), Hooks: hooks, PushLow: e.pushLow, MaxPending: e.maxPending, AwayFor: e.awayFor,
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
