package push

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// refused is what a push service says whose credential was revoked.
func refused() Result { return Result{Verdict: PauseApp, Reason: "InvalidProviderToken"} }

// stopped opens the application's breaker with one job, which comes back.
func (b *bench) stopped() *ticket {
	b.app.set(always(refused()))
	k := b.devices(1)[0]
	pass(3 * time.Second)
	return k
}

// waiting gives n old jobs, each of another device, as the queue keeps them that
// wait for the application since a while ago.
func (b *bench) waiting(n int) []*ticket {
	all := make([]*ticket, n)
	for i := range all {
		b.made++
		j := job(1)
		j.Device, j.EventAt = fmt.Sprintf("d%d", b.made), time.Now().Add(-time.Minute)
		j.NotBefore, j.Hold, j.WaitsFor = time.Now().Add(-time.Second), HoldPaused, "ios app"
		all[i] = b.store(j)
	}
	return all
}

// A job that its application has no room for is written down once. From then on
// it returns seldom, and costs no write and hardly a question.
func TestAWaitingJobIsWrittenDownOnce(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.stopped()
		b.set(func(w *world) { w.looked = 0 })
		all := b.devices(200)
		pass(time.Hour)
		holds, returns := 0, 0
		for _, k := range all {
			k.mu.Lock()
			holds += k.holds
			returns += k.postponed
			k.mu.Unlock()
		}
		looked := 0
		b.set(func(w *world) { looked = w.looked })
		// One refusal a job that was tried is written down as well.
		if tried := len(b.app.times()); holds < 200 || holds > 200+tried {
			t.Errorf("200 jobs were written down %d times with %d attempts", holds, tried)
		}
		if returns < 200*30 || returns > 200*200 {
			t.Errorf("200 jobs returned %d times in an hour", returns)
		}
		if looked > 200+returns/4 {
			t.Errorf("%d devices were looked up as 200 jobs returned %d times", looked, returns)
		}
	})
}

// However many wait: so many return a second and no more, of all stopped
// applications together, and no more can be called back than are remembered.
func TestWaitingJobsReturnAtABoundedRate(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.stopped()
		q := b.worker.apps[AppKey{"acme", IOS, "app"}]
		for _, stopped := range []int64{1, 4} {
			b.worker.stopped.Store(stopped)
			pass(time.Hour)
			const jobs = 50_000
			begin, until := time.Now(), time.Time{}
			for range jobs {
				until = q.away(time.Now())
				q.remember(recall{until, func() {}})
			}
			least := time.Duration(jobs) * time.Second / returnRate * time.Duration(stopped)
			if took, most := until.Sub(begin), least+awayFor; took < least || took > most+2*most/returnParts {
				t.Errorf("%d jobs of one of %d stopped applications return within %v, want %v", jobs, stopped, took, least)
			}
			if n, want := q.state().away, min(jobs+1, maxRecalls/int(stopped)); n != want {
				t.Errorf("%d jobs can be called back, want %d", n, want)
			}
		}
		b.worker.stopped.Store(1)
	})
}

// News that replace what waits leave slots behind. What waits returns soon all the
// same, and none is given up for it.
func TestNewsUseUpNoSlots(t *testing.T) {
	var s slots
	now := time.Now()
	for range 24 * 3600 {
		for range 3 * returnRate / 10 { // of ten workers
			until := s.take(now, now.Add(awayFor), 10*time.Second/returnRate)
			if left, most := until.Sub(now), awayFor+returnWithin; left > most+2*most/returnParts {
				t.Fatalf("a job returns after %v", left)
			}
		}
		now = now.Add(time.Second)
	}
}

// Those that wait are called back when the service is there again: thousands go
// within seconds, whenever it returns.
func TestManyAreCalledBack(t *testing.T) {
	for _, silent := range []time.Duration{31 * time.Second, 33700 * time.Millisecond, 36300 * time.Millisecond} {
		run(t, nil, func(b *bench) {
			o := &hole{}
			o.open.Store(true)
			b.app.set(o.answer)
			all := b.devices(3000)
			pass(silent)
			o.open.Store(false)
			pass(10 * time.Second)
			if n := done(all); n != 3000 {
				t.Errorf("silent for %v: %d of 3,000 pushed 10 s after the return", silent, n)
			}
		})
	}
}

// A breaker that is to try one job, and has none, calls one back.
func TestAStoppedApplicationCallsOneBackToTry(t *testing.T) {
	run(t, nil, func(b *bench) {
		first := b.stopped()
		all := b.waiting(100)
		pass(30 * time.Second)
		b.app.set(nil)
		pass(2 * time.Minute)
		if n := done(all); n != 100 {
			t.Errorf("%d of 100 pushed", n)
		}
		first.want("done")
	})
}

// A device that belongs to another application by now does not wait for its
// former one for ever.
func TestAWaitingJobOfAMovedDeviceGoes(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.stopped()
		all := b.waiting(50)
		b.set(func(w *world) {
			w.apps = map[string]string{}
			for i := range b.made + 1 {
				w.apps[fmt.Sprintf("d%d", i)] = "other"
			}
		})
		pass(30 * time.Minute)
		if n := done(all); n != 50 || len(b.other.messages()) < 50 {
			t.Errorf("%d of 50 pushed", n)
		}
	})
}

// What waits for too long is given up all the same.
func TestAWaitingJobGrowsTooOld(t *testing.T) {
	run(t, func(c *Config) { c.MaxAge = 10 * time.Minute }, func(b *bench) {
		b.stopped()
		all := b.waiting(5)
		pass(11 * time.Minute)
		for _, k := range all {
			if how, _ := k.resolved(); !strings.HasPrefix(how, "dead too old") {
				t.Errorf("a job came to %q", how)
			}
		}
	})
}

// Jobs of an application that is not configured are written down once, too.
func TestAJobWithoutAProviderIsWrittenDownOnce(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.record.App = "unheard of" })
		k := b.devices(1)[0]
		pass(time.Hour)
		if k.holds != 1 || k.postponed < 5 || k.postponed > 200 {
			t.Errorf("written down %d times, returned %d times", k.holds, k.postponed)
		}
	})
}

// Another credential is tried at once, however long the former one was to wait.
func TestARenewedApplicationIsTriedAtOnce(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.stopped()
		all := b.waiting(2000)
		pass(40 * time.Minute) // it waits for a quarter of an hour by now
		b.app.set(nil)
		b.worker.Renewed(AppKey{"acme", IOS, "app"})
		b.worker.Renewed(AppKey{"acme", IOS, "unheard of"})
		pass(5 * time.Second)
		if n := done(all); n != 2000 {
			t.Errorf("%d of 2,000 pushed 5 s after the credential was replaced", n)
		}
	})
}

// The attempt that was under way with the former credential decides nothing.
func TestAnOldAttemptDoesNotStopARenewedApplication(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.stopped()
		q := b.worker.apps[AppKey{"acme", IOS, "app"}]
		old := &turn{probe: true}
		q.mu.Lock()
		q.breaker.state, q.breaker.probing, q.deciding = breakerHalfOpen, true, old
		q.running++
		q.mu.Unlock()
		b.app.set(nil)
		b.worker.Renewed(q.key)
		if c := q.report(old, refused()); c.opened || q.state().breaker == breakerOpen {
			t.Errorf("the old attempt opened the breaker: %+v", c)
		}
		k := b.devices(1)[0]
		pass(3 * time.Second)
		k.want("done")
		if s := q.state(); s.breaker != breakerClosed {
			t.Errorf("state %+v", s)
		}
	})
}
