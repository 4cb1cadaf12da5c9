package pushqueue_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// env is a server with the permissions of a router and a push worker.
type env struct {
	t   *testing.T
	ctx context.Context
	srv *natstest.Server
	// router and push are the roles' JetStream contexts.
	router, push jetstream.JetStream
	store        *pushqueue.Store
}

func users() []routing.User {
	return []routing.User{{Role: routing.RoleRouter, Label: "r1"}, {Role: routing.RolePush, Label: "p1"}, {Role: routing.RoleOperator, Label: "operator"}}
}

func start(t *testing.T, workers ...string) *env {
	t.Helper()
	users := users()
	for _, name := range workers {
		if name != "p1" {
			users = append(users, routing.User{Role: routing.RolePush, Label: name})
		}
	}
	return startAt(t, natstest.Run(t, users...), 1)
}

// startCluster is start with three servers, and the streams on all of them.
func startCluster(t *testing.T) *env {
	t.Helper()
	return startAt(t, natstest.RunCluster(t, 3, users()...)[0], 3)
}

func startAt(t *testing.T, srv *natstest.Server, replicas int) *env {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	_, router := srv.JetStream("r1", routing.StreamOptions{Replicas: replicas})
	push, err := jetstream.New(srv.Conn(routing.RolePush, "p1"))
	if err != nil {
		t.Fatal(err)
	}
	store := pushqueue.NewStore(router, nil)
	t.Cleanup(store.Close)
	return &env{t: t, ctx: ctx, srv: srv, router: router, push: push, store: store}
}

// ackWait shortens the consumer's.
func (e *env) ackWait(d time.Duration) {
	e.t.Helper()
	c, err := e.router.Consumer(e.ctx, routing.StreamPush, routing.ConsumerPush)
	if err != nil {
		e.t.Fatal(err)
	}
	cfg := c.CachedInfo().Config
	cfg.AckWait = d
	if _, err := e.router.UpdateConsumer(e.ctx, routing.StreamPush, cfg); err != nil {
		e.t.Fatal(err)
	}
}

// state is the stream's.
func (e *env) state() jetstream.StreamState {
	e.t.Helper()
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		e.t.Fatal(err)
	}
	return s.CachedInfo().State
}

// limit bounds the stream to so many bytes.
func (e *env) limit(bytes int64) {
	e.t.Helper()
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		e.t.Fatal(err)
	}
	cfg := s.CachedInfo().Config
	cfg.MaxBytes = bytes
	if _, err := e.router.UpdateStream(e.ctx, cfg); err != nil {
		e.t.Fatal(err)
	}
}

var epoch = time.UnixMilli(1_700_000_000_000)

func job(version int64) pushqueue.Job {
	return pushqueue.Job{
		Tenant: "acme", User: "u1", Device: "d1", Kind: "messages",
		Version: version, EventAt: epoch, Urgency: 2,
	}
}

func (e *env) put(j pushqueue.Job) {
	e.t.Helper()
	if err := e.tryPut(j); err != nil {
		e.t.Fatal(err)
	}
}

func (e *env) tryPut(j pushqueue.Job) error {
	done := make(chan error, 2)
	e.store.Put(j, func(err error) { done <- err })
	return <-done
}

// later writes a held job beside whatever waits.
func (e *env) later(j pushqueue.Job) {
	e.t.Helper()
	if err := e.write(routing.PushLaterSubject(j.Tenant, j.User, j.Device, j.Kind), j); err != nil {
		e.t.Fatal(err)
	}
}

// write stores a job at a subject, whatever waits.
func (e *env) write(subject string, j pushqueue.Job) error {
	e.t.Helper()
	_, err := e.router.Publish(e.ctx, subject, e.body(j))
	return err
}

func (e *env) body(j pushqueue.Job) []byte {
	e.t.Helper()
	data, err := proto.Marshal(&linkpb.PushJob{
		Tenant: j.Tenant, User: j.User, Device: j.Device, Kind: j.Kind, Version: j.Version, EventMs: j.EventAt.UnixMilli(),
		Urgency: int32(j.Urgency), NotBeforeMs: j.NotBefore.UnixMilli(), Hold: int32(j.Hold),
	})
	if err != nil {
		e.t.Fatal(err)
	}
	return data
}

// stored returns the jobs in the stream.
func (e *env) stored() []pushqueue.Job {
	e.t.Helper()
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		e.t.Fatal(err)
	}
	var jobs []pushqueue.Job
	state := s.CachedInfo().State
	for seq := state.FirstSeq; seq <= state.LastSeq; seq++ {
		m, err := s.GetMsg(e.ctx, seq)
		if err != nil {
			continue
		}
		j, err := pushqueue.Parse(m.Subject, m.Data)
		if err != nil {
			e.t.Fatal(err)
		}
		jobs = append(jobs, j)
	}
	return jobs
}

// forget has the consumers take all that lies in the stream for settled.
func (e *env) forget() {
	e.t.Helper()
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		e.t.Fatal(err)
	}
	operator := e.srv.Conn(routing.RoleOperator, "operator")
	for _, name := range []string{routing.ConsumerPush, routing.ConsumerPushLater} {
		body := fmt.Appendf(nil, `{"seq":%d}`, s.CachedInfo().State.LastSeq+1)
		m, err := operator.Request("$JS.API.CONSUMER.RESET."+routing.StreamPush+"."+name, body, 10*time.Second)
		if err != nil || strings.Contains(string(m.Data), `"error"`) {
			e.t.Fatal(err, m)
		}
	}
}

// unseen is how many jobs each consumer has still to hand out.
func (e *env) unseen() map[string]uint64 {
	e.t.Helper()
	n := map[string]uint64{}
	for _, name := range []string{routing.ConsumerPush, routing.ConsumerPushLater} {
		c, err := e.router.Consumer(e.ctx, routing.StreamPush, name)
		if err != nil {
			e.t.Fatal(err)
		}
		n[name] = c.CachedInfo().NumPending
	}
	return n
}

// handedOut waits until a consumer has given all jobs up to a sequence to a worker.
func (e *env) handedOut(consumer string, seq uint64) {
	e.t.Helper()
	for {
		c, err := e.router.Consumer(e.ctx, routing.StreamPush, consumer)
		if err != nil {
			e.t.Fatal(err)
		}
		if c.CachedInfo().Delivered.Stream >= seq {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// empty waits until the stream is.
func (e *env) empty() {
	e.t.Helper()
	for !e.isEmpty() {
		time.Sleep(10 * time.Millisecond)
	}
}

// doneWith is empty for a worker to which jobs may come twice.
func (e *env) doneWith(w *worker) {
	e.t.Helper()
	for !e.isEmpty() {
		select {
		case d := <-w.jobs:
			d.Done()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func (e *env) isEmpty() bool {
	e.t.Helper()
	s, err := e.router.Stream(e.ctx, routing.StreamPush)
	if err != nil {
		e.t.Fatal(err)
	}
	return s.CachedInfo().State.Msgs == 0
}

// worker consumes until stop or the test's end.
type worker struct {
	t    *testing.T
	jobs chan *pushqueue.Delivery
	stop func()
}

func (e *env) consume(cfg pushqueue.ConsumeConfig) *worker {
	e.t.Helper()
	if cfg.Name == "" {
		cfg.Name = "p1"
	}
	if cfg.Grace == 0 {
		cfg.Grace = 50 * time.Millisecond
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(e.ctx)
	w := &worker{t: e.t, jobs: make(chan *pushqueue.Delivery, 10_000)}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := pushqueue.Consume(ctx, e.push, cfg, func(d *pushqueue.Delivery) { w.jobs <- d }); err != nil {
			e.t.Error(err)
		}
	})
	w.stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	e.t.Cleanup(w.stop)
	return w
}

func (w *worker) next() *pushqueue.Delivery {
	w.t.Helper()
	select {
	case d := <-w.jobs:
		return d
	case <-time.After(time.Minute):
		w.t.Fatal("no job came")
		return nil
	}
}

func (w *worker) none(d time.Duration) {
	w.t.Helper()
	select {
	case d := <-w.jobs:
		w.t.Fatalf("job %+v came", d.Job)
	case <-time.After(d):
	}
}
