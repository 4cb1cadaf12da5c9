package push

import (
	"context"
	"sync/atomic"
	"testing"
	"time"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// spend takes turns as fast as the pace allows, and returns how many it took.
func (p *pace) spend(from time.Time, d time.Duration, atMost int) (n int) {
	for now := from; now.Before(from.Add(d)); {
		ok, wait := p.take(now)
		if ok {
			n++
			wait = time.Second / time.Duration(atMost)
		}
		now = now.Add(wait)
	}
	return n
}

func TestPaceOfAService(t *testing.T) {
	p := &pace{most: 100}
	if n := p.spend(epoch, 10*time.Second, 10_000); n < 990 || n > 1011 {
		t.Errorf("%d in 10 s at 100/s", n)
	}
}

func TestQuotaSlowsAndRecovers(t *testing.T) {
	p := &pace{}
	p.spend(epoch, 5*time.Second, 1000)
	now := epoch.Add(5 * time.Second)
	if !p.slow(now) || p.slow(now.Add(time.Second)) {
		t.Fatal("of a burst of complaints one counts")
	}
	if n := p.spend(now, time.Second, 10_000); n < 480 || n > 520 {
		t.Errorf("%d in the second after, want half of 1,000", n)
	}
	if n := p.spend(now.Add(60*time.Second), time.Second, 10_000); n < 900 || n > 1120 {
		t.Errorf("%d in the second a minute later, want 1,000: half of the way of %v", n, recovery)
	}
	if n := p.spend(now.Add(4*time.Minute), time.Second, 10_000); n < 9000 {
		t.Errorf("%d in the second four minutes later: there should be no bound", n)
	}
}

func TestQuotaNeverStops(t *testing.T) {
	p := &pace{}
	p.spend(epoch, 2*time.Second, 100)
	now := epoch.Add(2 * time.Second)
	for range 60 {
		p.slow(now)
		now = now.Add(slowdownEvery)
	}
	if n := p.spend(now, 10*time.Second, 1000); n < 8 {
		t.Errorf("%d in 10 s", n)
	}
	if n := p.spend(now.Add(recovery), time.Second, 1000); n < 90 {
		t.Errorf("%d in a second after %v, want about 100", n, recovery)
	}
}

// A project that may send 600 a minute and wants 1,200 gets most of what it may:
// quota answers neither stop it nor go on for ever.
func TestProjectUnderItsQuota(t *testing.T) {
	p, sent, accepted, refused := &pace{}, 0, 0, 0
	const minutes = 60
	for i, now := 0, epoch; now.Before(epoch.Add(minutes * time.Minute)); i, now = i+1, now.Add(50*time.Millisecond) {
		if i%1200 == 0 {
			sent = 0 // Google's minute
		}
		if ok, _ := p.take(now); !ok {
			continue
		}
		if sent++; sent <= 600 {
			accepted++
		} else {
			refused++
			p.slow(now)
		}
	}
	if accepted < minutes*600*7/10 || refused > accepted/4 {
		t.Errorf("in an hour %d accepted, of %d possible, and %d refused", accepted, minutes*600, refused)
	}
	t.Logf("%d accepted of %d possible, %d refused", accepted, minutes*600, refused)
}

// bounded is a provider whose service takes so many messages a second.
type bounded struct {
	*provider
	perSecond float64
}

func (b bounded) PerSecond() float64 { return b.perSecond }

// What the service takes of an application is not exceeded, and is made use of.
func TestDocumentedLimitHolds(t *testing.T) {
	app := AppKey{"acme", IOS, "app"}
	run(t, func(c *Config) { c.Apps[app] = bounded{c.Apps[app].(*provider), 20} }, func(b *bench) {
		all := b.devices(200)
		pass(6 * time.Second) // one of them goes by in gathering
		if n := len(b.app.messages()); n < 80 || n > 110 {
			t.Errorf("%d messages in 5 s, want about 100", n)
		}
		pass(time.Minute)
		if n := done(all); n != 200 {
			t.Errorf("%d of 200 pushed in the end", n)
		}
	})
}

// Messages over the quota wait as long as the service asks; others go on.
func TestQuotaSlowsTheApplication(t *testing.T) {
	run(t, nil, func(b *bench) {
		var sent atomic.Int64
		b.app.set(func(context.Context, Message) Result {
			if n := sent.Add(1); n > 50 && n <= 100 {
				return Result{Verdict: RetryAfter, Cause: OfQuota, Reason: "QUOTA_EXCEEDED", After: time.Minute}
			}
			return Result{}
		})
		first := b.devices(100)
		pass(2 * time.Second)
		if got := done(first); got != 50 {
			t.Fatalf("%d pushed", got)
		}
		others := b.devices(10)
		pass(2 * time.Second)
		if got := done(others); got != 10 {
			t.Errorf("%d of 10 others pushed: quota must not stop an application", got)
		}
		if s := b.worker.apps[AppKey{"acme", IOS, "app"}].state(); s.limit == 0 || s.breaker != breakerClosed {
			t.Errorf("state %+v", s)
		}
		pass(2 * time.Minute)
		if got := done(first); got != 100 {
			t.Errorf("%d of 100 pushed in the end", got)
		}
	})
}
