package node

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// Three push processes on one queue, which gives the jobs of a device now to
// this one and now to that one: each version is pushed at most once, never an
// older one after a newer one, and the last one always, though news do not end
// for many times what a worker gathers.
func TestPushProcessesShareADevice(t *testing.T) {
	p := startPushProcesses(t, "p1", "p2", "p3")
	const last = int64(100)
	for v := int64(1); v <= last; v++ {
		p.news(v, 2)
		time.Sleep(20 * time.Millisecond)
	}
	pushed := p.until(last)
	t.Logf("%d jobs became %d pushes", last, len(pushed))
	if len(pushed) < 4 {
		t.Errorf("%d pushes in 4 s of news: they were put off", len(pushed))
	}
}

// Bursts of three urgent events each, at whatever distance: the job of one may
// be due at one worker while the next one is in the log and not yet in the queue.
func TestPushProcessesShareBursts(t *testing.T) {
	p := startPushProcesses(t, "p1", "p2")
	const bursts = 12
	for b := range int64(bursts) {
		for i := range int64(3) {
			p.news(3*b+i+1, 3)
			time.Sleep(rand.N(70 * time.Millisecond))
		}
		p.until(3*b + 3)
		time.Sleep(200 * time.Millisecond)
	}
	t.Logf("%d bursts became %d pushes", bursts, len(p.until(3*bursts)))
}

// pushProcesses are several on one queue, and the device whose jobs are in it.
type pushProcesses struct {
	*pushedPhone
	t     *testing.T
	store *pushqueue.Store
}

func startPushProcesses(t *testing.T, names ...string) pushProcesses {
	users := []routing.User{{Role: routing.RoleRouter, Label: "r1"}}
	for _, name := range names {
		users = append(users, routing.User{Role: routing.RolePush, Label: name})
	}
	srv := natstest.Run(t, users...)
	_, js := srv.JetStream("r1", routing.StreamOptions{})
	phone := &pushedPhone{}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	t.Cleanup(cancel)
	for _, name := range names {
		theirs, err := jetstream.New(srv.Conn(routing.RolePush, name))
		if err != nil {
			t.Fatal(err)
		}
		worker, err := push.NewWorker(push.Config{
			Presence: phone, Records: phone, Heads: phone, Events: phone, Policy: func(string, string) push.Defaults { return push.Defaults{Title: "News"} },
			Apps:   map[push.AppKey]push.Provider{{Tenant: "acme", Platform: push.IOS, App: "app"}: phone},
			Gather: 400 * time.Millisecond, GatherHigh: 80 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = worker.Run(ctx) })
		running.Go(func() {
			_ = pushqueue.Consume(ctx, theirs, pushqueue.ConsumeConfig{Name: name}, func(d *pushqueue.Delivery) { worker.Handle(push.Job(d.Job), d) })
		})
	}
	store := pushqueue.NewStore(js, nil)
	t.Cleanup(store.Close)
	return pushProcesses{phone, t, store}
}

// news puts an event into the log, and then its job into the queue.
func (p pushProcesses) news(v int64, urgency int) {
	p.t.Helper()
	p.head.Store(v)
	time.Sleep(20 * time.Millisecond) // as a router takes
	stored := make(chan error, 1)
	p.store.Put(pushqueue.Job{Tenant: "acme", User: "u1", Device: "d1", Kind: "messages", Version: v, EventAt: time.Now(), Urgency: urgency},
		func(err error) { stored <- err })
	if err := <-stored; err != nil {
		p.t.Fatal(err)
	}
}

// until waits for the push of a version, and returns what was pushed, which has
// to be in order.
func (p pushProcesses) until(last int64) []int64 {
	p.t.Helper()
	for end := time.Now().Add(time.Minute); !slices.Contains(p.pushed(), last); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("version %d was never pushed: %v", last, p.pushed())
		}
	}
	pushed := p.pushed()
	for i, v := range pushed[1:] {
		if v <= pushed[i] {
			p.t.Fatalf("%d was pushed after %d: %v", v, pushed[i], pushed)
		}
	}
	return pushed
}

// pushedPhone is a device that is away, all that is known of it, and its provider.
type pushedPhone struct {
	head atomic.Int64

	mu   sync.Mutex
	sent []int64
}

func (p *pushedPhone) pushed() []int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.sent)
}

func (p *pushedPhone) Send(_ context.Context, m push.Message) push.Result {
	v, err := strconv.ParseInt(m.Hawser.Version, 10, 64)
	if err != nil {
		return push.Result{Verdict: push.Dead, Reason: "version"}
	}
	p.mu.Lock()
	p.sent = append(p.sent, v)
	p.mu.Unlock()
	time.Sleep(20 * time.Millisecond) // as a provider takes
	return push.Result{}
}

func (p *pushedPhone) Check(context.Context, push.Target) (push.PresenceState, error) {
	return push.Away, nil
}

func (p *pushedPhone) Record(context.Context, string, string, string) (push.Record, error) {
	return push.Record{Platform: push.IOS, App: "app", Token: "token", Found: true}, nil
}

func (p *pushedPhone) MarkRejected(context.Context, string, string, string, uint64, time.Time) (bool, error) {
	return false, nil
}

func (p *pushedPhone) DropToken(context.Context, string, string, string, uint64) (bool, error) {
	return false, nil
}

func (p *pushedPhone) Head(context.Context, string, string, string) (int64, []byte, error) {
	return p.head.Load(), nil, nil
}

func (p *pushedPhone) TokenRejected(context.Context, string, string, string, string, string) error {
	return nil
}

func (p *pushedPhone) PushDead(context.Context, string, string, string, string, int64, string) error {
	return nil
}
