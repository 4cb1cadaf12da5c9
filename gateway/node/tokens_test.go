package node

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/apns"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

const tokenApp = "org.example.chat"

// confirmSoon stands for the minutes after which a rejection is confirmed.
const confirmSoon = 50 * time.Millisecond

// tokenBench is the real bucket of device records, an application at a
// simulator, and push workers between them. Every device is away.
type tokenBench struct {
	t       *testing.T
	ctx     context.Context
	sim     *pushtest.APNs
	router  *devices.Store
	workers []*push.Worker
	told    atomic.Int64 // backends, of rejected tokens
	dead    atomic.Int64
	transit atomic.Int64 // how long an answer is on its way at the most, in ns
}

func startTokenBench(t *testing.T, workers int, confirmSuspect time.Duration) *tokenBench {
	t.Helper()
	users := []routing.User{{Role: routing.RoleRouter, Label: "r1"}}
	for i := range workers {
		users = append(users, routing.User{Role: routing.RolePush, Label: fmt.Sprint("p", i)})
	}
	srv := natstest.Run(t, users...)
	_, js := srv.JetStream("r1", routing.StreamOptions{})
	b := &tokenBench{t: t, ctx: t.Context(), router: openStore(t, js)}
	var err error
	if b.sim, err = pushtest.NewAPNs(pushtest.APNsOptions{}); err != nil {
		t.Fatal(err)
	}
	pool := apns.NewPool(slog.New(slog.DiscardHandler))
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	t.Cleanup(func() {
		cancel()
		running.Wait()
		pool.Close()
		_ = b.sim.Close()
	})
	apple, err := pool.App(apns.Config{
		TeamID: b.sim.TeamID(), KeyID: b.sim.KeyID(), Key: b.sim.Key(), Topic: tokenApp, Endpoint: b.sim.URL(), RootCAs: b.sim.RootCAs(),
	})
	if err != nil {
		t.Fatal(err)
	}
	app := &slowAnswers{Provider: apple, b: b}
	for i := range workers {
		js, err := jetstream.New(srv.Conn(routing.RolePush, fmt.Sprint("p", i)))
		if err != nil {
			t.Fatal(err)
		}
		w, err := push.NewWorker(push.Config{
			Presence: awayPhones{}, Records: &records{openStore(t, js)}, Heads: awayPhones{}, Events: b,
			Policy: func(string, string) push.Defaults { return push.Defaults{Title: "News"} },
			Apps:   map[push.AppKey]push.Provider{{Tenant: "acme", Platform: push.IOS, App: tokenApp}: app},
			Gather: time.Millisecond, GatherHigh: time.Millisecond, ConfirmGone: confirmSoon, ConfirmSuspect: confirmSuspect,
			StepTimeout: time.Minute, SendTimeout: time.Minute, MaxHeld: 1 << 20, AppQueue: 1 << 20,
			Log: slog.New(slog.DiscardHandler),
		})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { _ = w.Run(ctx) })
		b.workers = append(b.workers, w)
	}
	return b
}

// slowAnswers has answers arrive long after they were given.
type slowAnswers struct {
	push.Provider
	b *tokenBench
}

func (s *slowAnswers) Send(ctx context.Context, m push.Message) push.Result {
	r := s.Provider.Send(ctx, m)
	if most := s.b.transit.Load(); most > 0 {
		time.Sleep(time.Duration(rand.Int64N(most)))
	}
	return r
}

func openStore(t *testing.T, js jetstream.JetStream) *devices.Store {
	t.Helper()
	store, err := devices.Open(t.Context(), js)
	if err != nil {
		t.Fatal(err)
	}
	return store
}

func tokenDevice(name string, i int) devices.ID {
	return devices.ID{Tenant: "acme", User: "u", Device: fmt.Sprintf("%s%d", name, i)}
}

// register stores a device's token as its edge does, by the edge's clock.
func (b *tokenBench) register(id devices.ID, token string, at time.Time) {
	b.t.Helper()
	record := &linkpb.DeviceRecord{
		Platform: push.IOS, App: tokenApp, PushToken: token, RegisteredMs: at.UnixMilli(), Epoch: at.UnixMilli(),
	}
	b.until("the registration is stored", func() bool {
		_, err := b.router.Put(b.ctx, id, record)
		return err == nil
	})
}

// has reports whether a device is registered with this token.
func (b *tokenBench) has(id devices.ID, token string) bool {
	b.t.Helper()
	r, err := b.router.Record(b.ctx, id.Tenant, id.User, id.Device)
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Found && r.Token == token
}

// push gives a device's job to one of the workers. It comes back until it is
// settled for good, sooner than it asks to.
func (b *tokenBench) push(id devices.ID, version int64, worker int) *tokenJob {
	j := &tokenJob{b: b, worker: worker, settled: make(chan struct{}), job: push.Job{
		Tenant: id.Tenant, User: id.User, Device: id.Device, Kind: "messages", Version: version, EventAt: time.Now(), Urgency: push.Normal,
	}}
	j.hand()
	return j
}

// tokenJob is the delivery of a job that comes back.
type tokenJob struct {
	b       *tokenBench
	worker  int
	job     push.Job
	settled chan struct{}
	retries atomic.Int64
}

func (j *tokenJob) hand() {
	w := j.b.workers[(j.worker+int(j.retries.Load()))%len(j.b.workers)]
	w.Handle(j.job, j)
}

func (j *tokenJob) Current(context.Context) (bool, error) { return true, nil }
func (j *tokenJob) Done()                                 { close(j.settled) }
func (j *tokenJob) Drop()                                 { close(j.settled) }
func (j *tokenJob) Dead(string, string)                   { close(j.settled) }
func (j *tokenJob) Hold(until time.Time, _ int, _, _ string) {
	j.Retry(time.Until(until))
}
func (j *tokenJob) Postpone(until time.Time) (recall func()) {
	j.Retry(time.Until(until))
	return func() {}
}
func (j *tokenJob) Retry(after time.Duration) {
	j.retries.Add(1)
	if j.b.ctx.Err() == nil {
		time.AfterFunc(min(after, confirmSoon/2), j.hand)
	}
}

func (j *tokenJob) wait(t *testing.T) {
	t.Helper()
	select {
	case <-j.settled:
	case <-time.After(tokenPatience()):
		t.Fatalf("push of %s not settled after %d attempts", j.job.Device, j.retries.Load())
	}
}

func (b *tokenBench) TokenRejected(context.Context, string, string, string, string, string) error {
	b.told.Add(1)
	return nil
}

func (b *tokenBench) PushDead(context.Context, string, string, string, string, int64, string) error {
	b.dead.Add(1)
	return nil
}

// awayPhones have no session and nothing newer than their job.
type awayPhones struct{}

func (awayPhones) Check(context.Context, push.Target) (push.PresenceState, error) {
	return push.Away, nil
}

func (awayPhones) Head(context.Context, string, string, string) (int64, []byte, error) {
	return 0, nil, nil
}

// tokenScale is larger on demand, which takes ten minutes and more:
//
//	HAWSER_FAULTS=1 go test -v -timeout 1h -run NoTokenIsLost ./gateway/node
//
// CI has the short form: the long one differs by its numbers alone.
func tokenScale(short, long int) int {
	if os.Getenv("HAWSER_FAULTS") != "" {
		return long
	}
	return short
}

// tokenPatience ends a test that hangs. That so many devices are refused and
// pushed takes a slow machine minutes.
func tokenPatience() time.Duration { return time.Duration(tokenScale(2, 20)) * time.Minute }

func hexToken(name string, i int) string {
	return fmt.Sprintf("%x%08x", strings.TrimSpace(name), i)
}
