package push

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// bench is a running worker in a bubble of virtual time.
type bench struct {
	*world
	t        *testing.T
	worker   *Worker
	app      *provider
	other    *provider
	stop     context.CancelFunc
	ending   atomic.Bool // jobs come back no more
	finished chan struct{}
	made     int // devices, by the test
}

// run runs a test against a worker whose clock is virtual.
func run(t *testing.T, change func(*Config), test func(b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{world: newWorld(), t: t, app: &provider{}, other: &provider{}, finished: make(chan struct{})}
		cfg := Config{
			Presence: b.world, Records: b.world, Heads: b.world, Events: b.world,
			Policy: func(string, string) Defaults { return b.defaults },
			Apps:   map[AppKey]Provider{{"acme", IOS, "app"}: b.app, {"acme", IOS, "other"}: b.other},
			Log:    slog.New(slog.NewTextHandler(io.Discard, nil)),
		}
		if change != nil {
			change(&cfg)
		}
		var err error
		if b.worker, err = NewWorker(cfg); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		b.stop = cancel
		go func() {
			defer close(b.finished)
			_ = b.worker.Run(ctx)
		}()
		test(b)
		b.ending.Store(true)
		cancel()
		<-b.finished
	})
}

func job(version int64) Job {
	return Job{
		Tenant: "acme", User: "u1", Device: "d1", Kind: "messages",
		Version: version, EventAt: time.Now(), Urgency: Normal,
	}
}

// wantPushes sees how many were made so far.
func (b *bench) wantPushes(want int) {
	b.t.Helper()
	if n := len(b.app.messages()); n != want {
		b.t.Errorf("%d pushes, want %d", n, want)
	}
}

// hand gives a job once.
func (b *bench) hand(j Job) *ticket {
	k := &ticket{t: b.t}
	b.worker.Handle(j, k)
	return k
}

// store gives a job that comes back after each Retry.
func (b *bench) store(j Job) *ticket {
	k := &ticket{t: b.t}
	k.heldAs = func(until time.Time, hold int, waitsFor string) {
		j.NotBefore, j.Hold, j.WaitsFor = until, hold, waitsFor
	}
	k.comeBack = func() {
		if b.ending.Load() {
			return
		}
		k.mu.Lock()
		again := j
		k.mu.Unlock()
		b.worker.Handle(again, k)
	}
	b.worker.Handle(j, k)
	return k
}

// pass lets virtual time pass and everything settle.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
