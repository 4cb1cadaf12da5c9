package push

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

func TestRetryHonoursTheProvider(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: RetryAfter, Reason: "ServiceUnavailable", After: 2 * time.Minute}))
		k := b.hand(job(1))
		pass(2 * time.Second)
		k.want("retry")
		if _, after := k.resolved(); after < 2*time.Minute || after > 3*time.Minute {
			t.Errorf("retry after %v", after)
		}
	})
}

func TestTooOldJobsDie(t *testing.T) {
	run(t, func(c *Config) { c.MaxAge = 10 * time.Minute }, func(b *bench) {
		b.app.set(always(Result{Verdict: RetryAfter, Reason: "timeout"}))
		begin := time.Now()
		k := b.store(job(1))
		pass(time.Hour)
		k.want("dead too old: timeout")
		if got := b.logged(); !slices.Equal(got, []string{"dead 1 too old: timeout"}) {
			t.Errorf("events %v", got)
		}
		last := b.app.times()[len(b.app.times())-1]
		if n := len(b.app.times()); n < 4 || n > 40 || last.Sub(begin) > 10*time.Minute {
			t.Errorf("%d attempts, the last after %v", n, last.Sub(begin))
		}
	})
}

func TestExpiredContentIsNotSent(t *testing.T) {
	run(t, nil, func(b *bench) {
		j := job(1)
		j.Push, j.EventAt = []byte(`{"title":"call","ttl_s":30}`), time.Now().Add(-31*time.Second)
		k := b.hand(j)
		pass(2 * time.Second)
		k.want("dead too old")
		b.wantPushes(0)
	})
}

// What the provider is to try once has no expiry, and is given up soon.
func TestOnceIsForNow(t *testing.T) {
	run(t, nil, func(b *bench) {
		for _, c := range []struct {
			age  time.Duration
			want string
		}{{time.Second, "done"}, {patience(Normal) + onceFor, "dead too old"}} {
			j := job(int64(c.age / time.Second))
			j.Push, j.EventAt = []byte(`{"title":"call","ttl_s":0}`), time.Now().Add(-c.age)
			k := b.hand(j)
			pass(2 * time.Second)
			k.want(c.want)
		}
		if m := b.app.messages(); len(m) != 1 || !m[0].Expiry.IsZero() {
			t.Errorf("%+v", m)
		}
	})
}

func TestDeadMessagesAreAnnounced(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: Dead, Reason: "BadTopic"}))
		k := b.hand(job(9))
		pass(2 * time.Second)
		k.want("dead BadTopic")
		if got := b.logged(); !slices.Equal(got, []string{"dead 9 BadTopic"}) {
			t.Errorf("%v", got)
		}
	})
}

func TestPausedAppSendsNothingAndOthersGoOn(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: PauseApp, Reason: "InvalidProviderToken"}))
		first := b.hand(job(1))
		pass(2 * time.Second)
		first.want("retry")
		if _, after := first.resolved(); after < refusedFirst {
			t.Errorf("comes back after %v", after)
		}
		j := job(1)
		j.Device = "d2"
		second := b.hand(j)
		j.Device = "other-app"
		third := b.hand(j)
		pass(2 * time.Second)
		second.want("retry") // it waits in the stream
		if _, after := second.resolved(); after < refusedFirst-10*time.Second {
			t.Errorf("comes back after %v", after)
		}
		third.want("done")
		if a, o := len(b.app.messages()), len(b.other.messages()); a != 1 || o != 1 {
			t.Errorf("%d attempts of the paused application, %d of the other", a, o)
		}
		if n := b.worker.pausedApps(); n != 1 {
			t.Errorf("%v paused", n)
		}
		b.app.set(nil)
		pass(2 * refusedFirst)
		j.Device = "d3"
		again := b.hand(j)
		pass(2 * time.Second)
		again.want("done")
		if n := b.worker.pausedApps(); n != 0 {
			t.Errorf("%v paused", n)
		}
	})
}

func TestPausesGrow(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: PauseApp, Reason: "Forbidden"}))
		b.store(job(1))
		pass(3 * time.Hour)
		// Between 1 and 2, 4, 8, 15, 15, ... minutes.
		if n := len(b.app.times()); n < 12 || n > 60 {
			t.Errorf("%d attempts in three hours", n)
		}
	})
}

func TestHangingAppStopsNobodyElse(t *testing.T) {
	run(t, func(c *Config) { c.AppInFlight, c.AppQueue = 2, 3 }, func(b *bench) {
		b.app.set(func(ctx context.Context, _ Message) Result {
			<-ctx.Done()
			return Result{Verdict: RetryAfter, Reason: "timeout"}
		})
		var all []*ticket
		for i := range 10 {
			j := job(1)
			j.Device = fmt.Sprintf("d%d", i)
			all = append(all, b.hand(j))
		}
		j := job(1)
		j.Device = "other-app"
		other := b.hand(j)
		pass(2 * time.Second)
		other.want("done")
		refused := 0
		for _, k := range all {
			if how, _ := k.resolved(); how == "retry" {
				refused++
			}
		}
		if refused != 5 { // 2 under way, 3 in the queue
			t.Errorf("%d jobs were sent back, want 5", refused)
		}
		pass(2 * time.Minute)
		for _, k := range all {
			k.want("retry")
		}
	})
}

func TestAppWithoutProviderWaits(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.record.App = "unheard-of" })
		k := b.hand(job(1))
		pass(2 * time.Second)
		k.want("retry")
	})
}

func TestTroubleOfOurOwnIsRetried(t *testing.T) {
	for name, change := range map[string]func(*world){
		"record": func(w *world) { w.recErr = errFake },
		"head":   func(w *world) { w.headErr = errFake },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, nil, func(b *bench) {
				b.set(change)
				k := b.store(job(1))
				pass(10 * time.Second)
				k.want("retry")
				b.set(func(w *world) { w.recErr, w.headErr = nil, nil })
				pass(10 * time.Minute)
				k.want("done")
			})
		})
	}
}
