package push

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
)

// devices gives n jobs, each of another device and each coming back.
func (b *bench) devices(n int) []*ticket {
	all := make([]*ticket, n)
	for i := range all {
		b.made++
		j := job(1)
		j.Device = fmt.Sprintf("d%d", b.made)
		all[i] = b.store(j)
	}
	return all
}

func done(all []*ticket) (n int) {
	for _, k := range all {
		if how, _ := k.resolved(); how == "done" {
			n++
		}
	}
	return n
}

// hole is a provider that answers nothing until it is ended.
type hole struct{ open atomic.Bool }

func (o *hole) answer(ctx context.Context, _ Message) Result {
	if !o.open.Load() {
		return Result{}
	}
	<-ctx.Done()
	return Result{Verdict: RetryAfter, Cause: OfLine, Reason: "timeout"}
}

// Everything is pushed within 12 s of the return of a service that was silent,
// whenever it returns, and until then it is asked seldom.
func TestRecoveryFromASilentService(t *testing.T) {
	for silent := 5 * time.Second; silent < 90*time.Second; silent += 4700 * time.Millisecond {
		run(t, nil, func(b *bench) {
			o := &hole{}
			o.open.Store(true)
			b.app.set(o.answer)
			all := b.devices(300)
			pass(silent)
			o.open.Store(false)
			pass(12 * time.Second)
			if n := done(all); n != 300 {
				t.Errorf("silent for %v: %d of 300 pushed 12s after the return", silent, n)
			}
			if n := len(b.app.times()); n > 300+100+breakAfter+int(silent/time.Second) {
				t.Errorf("silent for %v: %d attempts", silent, n)
			}
		})
	}
}

// A silent service is tried every few seconds, for no single push waits for it
// longer than that.
func TestSilentServiceIsTriedEveryFewSeconds(t *testing.T) {
	run(t, nil, func(b *bench) {
		o := &hole{}
		o.open.Store(true)
		b.app.set(o.answer)
		b.devices(20)
		pass(2 * time.Minute)
		at := b.app.times()
		if len(at) < 30 {
			t.Fatalf("%d attempts in two minutes", len(at))
		}
		for i := 25; i < len(at); i++ { // the first 20 began before the breaker opened
			if gap := at[i].Sub(at[i-1]); gap > 5500*time.Millisecond {
				t.Errorf("attempt %d came %v after the one before", i, gap)
			}
		}
	})
}

// An open breaker's jobs hold no place among the attempts, and the worker takes
// no more of them than its queue holds.
func TestJobsOfAnOpenBreakerWait(t *testing.T) {
	var logged bytes.Buffer
	reg := prometheus.NewRegistry()
	run(t, func(c *Config) {
		c.AppInFlight, c.AppQueue, c.Registerer = 10, 50, reg
		c.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: &logged}, nil))
	}, func(b *bench) {
		o := &hole{}
		o.open.Store(true)
		b.app.set(o.answer)
		all := b.devices(100)
		pass(30 * time.Second)
		s := b.worker.apps[AppKey{"acme", IOS, "app"}].state()
		if s.breaker == breakerClosed || s.going > 1 || s.waiting > 50 || s.waiting < 40 {
			t.Errorf("state %+v", s)
		}
		if got := metrictest.Value(t, reg, "hawser_push_app_breaker_state", "app"); got == 0 {
			t.Error("the metric says that the breaker is closed")
		}
		o.open.Store(false)
		pass(30 * time.Second) // a probe, and whoever was turned away before it
		if n := done(all); n != 100 {
			t.Errorf("%d of 100 pushed", n)
		}
		if got := metrictest.Value(t, reg, "hawser_push_app_breaker_state", "app"); got != 0 {
			t.Errorf("the metric says %v of a closed breaker", got)
		}
	})
	for _, line := range []string{"fails an application again and again", "sends again"} {
		if n := strings.Count(logged.String(), line); n != 1 {
			t.Errorf("%d lines %q, want one", n, line)
		}
	}
}

// A service with trouble is tried once after its time, then ever less often.
func TestTroubleIsTriedOnceAfterItsTime(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: RetryAfter, Cause: OfService, Reason: "ServiceUnavailable", After: 30 * time.Second}))
		b.devices(100)
		pass(29 * time.Second)
		first := len(b.app.times())
		if first < breakAfter || first > 100 {
			t.Fatalf("%d attempts before the breaker opened", first)
		}
		pass(2 * time.Hour)
		at := b.app.times()[first:]
		if len(at) < 8 || len(at) > 120 {
			t.Errorf("%d attempts in two hours", len(at))
		}
		for i := 1; i < len(at); i++ {
			if gap := at[i].Sub(at[i-1]); gap < 30*time.Second || gap > longMax+longMax/4 {
				t.Errorf("attempt %d came %v after the one before", i, gap)
			}
		}
	})
}

// However many applications one service fails, their jobs take the places of
// one, and all are pushed when it is back.
func TestStoppedApplicationsShareTheRoomOfOne(t *testing.T) {
	const apps, room = 8, 160
	run(t, func(c *Config) {
		c.AppQueue = room
		for i := range apps {
			c.Apps[AppKey{"acme", IOS, fmt.Sprintf("app-%d", i)}] = c.Apps[AppKey{"acme", IOS, "app"}]
		}
	}, func(b *bench) {
		o := &hole{}
		o.open.Store(true)
		b.app.set(o.answer)
		of := map[string]string{}
		for i := range apps * room {
			of[fmt.Sprintf("d%d", i+1)] = fmt.Sprintf("app-%d", i/room)
		}
		b.set(func(w *world) { w.apps = of })
		all := b.devices(apps * room)
		pass(time.Minute)
		waiting := 0
		for _, q := range b.worker.apps {
			waiting += q.state().waiting
		}
		if waiting > 2*room {
			t.Errorf("%d jobs of %d stopped applications wait in the worker's hands", waiting, apps)
		}
		o.open.Store(false)
		pass(time.Minute)
		if n := done(all); n != len(all) {
			t.Errorf("%d of %d pushed", n, len(all))
		}
	})
}

// Failures among successes open nothing: they are their messages' own.
func TestOnlyFailuresInARowCount(t *testing.T) {
	run(t, func(c *Config) { c.AppInFlight = 1 }, func(b *bench) { // one after the other, or they end in another order
		var n atomic.Int64
		b.app.set(func(context.Context, Message) Result {
			if n.Add(1)%breakAfter != 0 {
				return Result{Verdict: RetryAfter, Cause: OfService, Reason: "http 500"}
			}
			return Result{}
		})
		b.devices(100)
		pass(2 * time.Second)
		if n.Load() < 100 {
			t.Errorf("%d attempts at 100 pushes", n.Load())
		}
	})
}

// A probe that turns out to be needless hands its turn to the next job.
func TestNeedlessProbePassesItsTurn(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: PauseApp, Reason: "Forbidden"}))
		b.devices(1)
		pass(2 * time.Second)
		all := b.devices(5)
		pass(2 * time.Second)
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return Covered } })
		pass(2 * refusedFirst)
		if n := done(all); n != 5 {
			t.Errorf("%d of 5 jobs found out that they are not needed", n)
		}
		if n := len(b.app.times()); n != 1 {
			t.Errorf("%d attempts", n)
		}
	})
}

// What waited for long goes to the token that the device has by then.
func TestRecordIsReadAgainAfterAWait(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: PauseApp, Reason: "Forbidden"}))
		b.devices(1)
		pass(2 * time.Second)
		b.store(job(1))
		pass(2 * time.Second)
		b.app.set(nil)
		b.set(func(w *world) { w.record.Token = "another" })
		pass(2 * refusedFirst)
		if m := b.app.messages(); m[len(m)-1].Token != "another" {
			t.Error("sent to the token of before")
		}
	})
}

func TestWaitingJobsAreGivenBackAtTheEnd(t *testing.T) {
	var all []*ticket
	run(t, nil, func(b *bench) {
		b.app.set(always(Result{Verdict: PauseApp, Reason: "Forbidden"}))
		b.devices(1)
		pass(2 * time.Second)
		for i := range 10 {
			j := job(1)
			j.Device = fmt.Sprintf("late%d", i)
			all = append(all, b.hand(j))
		}
		pass(2 * time.Second)
	})
	for _, k := range all {
		k.want("retry")
	}
}

// lockedWriter lets a log be written by many.
type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(b)
}

// A push whose attempts alone find out that a service is away goes out within 12 s
// of its return, too, however often it failed.
func TestRecoveryOfASinglePush(t *testing.T) {
	for away := time.Minute; away < 11*time.Minute; away += time.Minute {
		run(t, nil, func(b *bench) {
			b.app.set(always(Result{Verdict: RetryAfter, Cause: OfLine, Reason: "no connection"}))
			k := b.store(job(1))
			pass(away)
			b.app.set(nil)
			pass(12 * time.Second)
			if how, _ := k.resolved(); how != "done" {
				t.Errorf("away for %v: not pushed 12 s after the return", away)
			}
			if n := b.worker.stopped.Load(); n != 0 {
				t.Errorf("%d applications count as stopped, and share what those may have", n)
			}
		})
	}
}

// The attempt that decides whether an application goes on may have to wait for the
// application's pace. It is made all the same.
func TestDecidingAttemptWaitsForItsPace(t *testing.T) {
	for range 10 {
		run(t, nil, func(b *bench) {
			var sent atomic.Int64
			b.app.set(func(context.Context, Message) Result {
				switch n := sent.Add(1); {
				case n == 1:
					return Result{Verdict: RetryAfter, Cause: OfQuota, Reason: "too many"}
				case n <= 2+breakAfter:
					return Result{Verdict: RetryAfter, Cause: OfLine, Reason: "no connection"}
				}
				return Result{}
			})
			all := b.devices(20)
			pass(3 * time.Minute)
			if n := done(all); n != len(all) {
				t.Errorf("%d of %d pushed", n, len(all))
			}
		})
	}
}

// An application that went on is not stopped for longer the next time for what was
// before.
func TestABreakerForgetsWhatIsOver(t *testing.T) {
	now, failed := time.Now(), Result{Verdict: RetryAfter, Cause: OfService}
	for range 50 {
		b := &breaker{}
		stop := func() {
			for range breakAfter {
				b.report(now, failed, false)
			}
		}
		stop()
		for range 8 {
			now = now.Add(b.left(now))
			b.allows(now)
			b.report(now, failed, true)
		}
		now = now.Add(b.left(now))
		b.allows(now)
		b.report(now, Result{}, true)
		stop()
		if left := b.left(now); left < 30*time.Second || left > 38*time.Second {
			t.Fatalf("stopped for %v, want 30 s and up to a quarter more", left)
		}
	}
}

// Applications that stopped together are not tried together: above what the
// service asks for, each waits for another time, which grows.
func TestStopsAreSpread(t *testing.T) {
	for _, c := range []struct {
		cause  Cause
		asked  time.Duration
		before int
		least  time.Duration
		most   time.Duration
	}{
		{OfLine, 0, 9, backoffBase / 4, backoffBase/4 + lineMax},
		{OfService, 0, 0, troubleFirst, troubleFirst * 5 / 4},
		{OfService, 0, 2, troubleFirst, 4 * troubleFirst},
		{OfService, 10 * time.Minute, 0, 10 * time.Minute, 10 * time.Minute * 5 / 4},
		{OfApp, 0, 0, refusedFirst, refusedFirst * 5 / 4},
		{OfApp, 0, 30, refusedFirst, longMax},
	} {
		var waits []time.Duration
		for range 200 {
			waits = append(waits, openFor(c.cause, c.asked, c.before))
		}
		slices.Sort(waits)
		first, last, quarter := waits[0], waits[len(waits)-1], (c.most-c.least)/4
		if first < c.least || last > c.most+time.Millisecond || first > c.least+quarter || last < c.most-quarter {
			t.Errorf("cause %v, asked %v, %d times before: %v to %v, want all of %v to %v", c.cause, c.asked, c.before, first, last, c.least, c.most)
		}
	}
}
