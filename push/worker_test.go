package push

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func TestBurstBecomesOnePush(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.head = 1000
		var all []*ticket
		for v := range int64(1000) {
			all = append(all, b.hand(job(v+1)))
		}
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 1 {
			t.Fatalf("%d pushes, want 1", n)
		}
		for _, k := range all {
			k.want("done")
		}
		m := b.app.messages()[0]
		if m.Hawser != (Hawser{V: 1, User: "u1", Kind: "messages", Version: "1000"}) || m.Content.Title != "New message" || m.Collapse != "messages" {
			t.Errorf("message %+v", m)
		}
	})
}

func TestBurstDuringAPushBecomesOneMore(t *testing.T) {
	run(t, nil, func(b *bench) {
		release := make(chan struct{})
		b.app.set(func(context.Context, Message) Result { <-release; return Result{} })
		first := b.hand(job(1))
		pass(1500 * time.Millisecond)
		var all []*ticket
		for v := range int64(1000) {
			all = append(all, b.hand(job(v+2)))
		}
		pass(5 * time.Second)
		if n := len(b.app.messages()); n != 1 {
			t.Fatalf("%d pushes at once for one device", n)
		}
		close(release)
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 2 {
			t.Errorf("%d pushes, want 2", n)
		}
		first.want("done")
		for _, k := range all {
			k.want("done")
		}
		if v := b.app.messages()[1].Hawser.Version; v != "1001" {
			t.Errorf("second push names version %s", v)
		}
	})
}

func TestGatherTime(t *testing.T) {
	for _, c := range []struct {
		urgency int
		want    time.Duration
	}{{Low, time.Second}, {Normal, time.Second}, {High, 200 * time.Millisecond}} {
		run(t, nil, func(b *bench) {
			begin := time.Now()
			j := job(1)
			j.Urgency = c.urgency
			b.hand(j)
			pass(500 * time.Millisecond)
			b.hand(job(2)) // does not lengthen the wait
			pass(3 * time.Second)
			if got := b.app.times()[0].Sub(begin); got != c.want {
				t.Errorf("urgency %d: sent after %v, want %v", c.urgency, got, c.want)
			}
		})
	}
}

// An event does not grow old by standing for an older one: a push that was
// held up for an hour must not take the news of this second with it.
func TestNewsIsAsYoungAsItsNewestEvent(t *testing.T) {
	run(t, func(c *Config) { c.MaxAge = time.Hour }, func(b *bench) {
		b.set(func(w *world) { w.defaults.TTL = 30 * time.Second })
		old := job(1)
		old.EventAt = time.Now().Add(-59 * time.Minute)
		b.hand(old)
		fresh := job(2)
		fresh.LatestAt = time.Now()
		k := b.hand(fresh)
		expiry := fresh.LatestAt.Add(30 * time.Second)
		pass(2 * time.Second)
		k.want("done")
		if m := b.app.messages(); len(m) != 1 || !m[0].Expiry.Equal(expiry) {
			t.Fatalf("pushed %+v, want one that expires at %v", m, expiry)
		}
		// As the store joins them: the time of the oldest, and of the newest.
		both := job(3)
		both.EventAt, both.LatestAt = time.Now().Add(-2*time.Hour), time.Now()
		b.app.set(func(context.Context, Message) Result { return Result{Verdict: RetryAfter, Reason: "busy"} })
		k = b.hand(both)
		pass(2 * time.Second)
		k.want("retry")
	})
}

func TestHighJobShortensTheWait(t *testing.T) {
	run(t, nil, func(b *bench) {
		begin := time.Now()
		b.hand(job(1))
		pass(300 * time.Millisecond)
		j := job(2)
		j.Urgency = High
		b.hand(j)
		pass(3 * time.Second)
		if got := b.app.times()[0].Sub(begin); got != 500*time.Millisecond || len(b.app.messages()) != 1 {
			t.Errorf("sent after %v", got)
		}
		if u := b.app.messages()[0].Urgency; u != High {
			t.Errorf("urgency %d", u)
		}
	})
}

func TestNoPushWhereNoneIsNeeded(t *testing.T) {
	for name, change := range map[string]func(*world){
		"no record":         func(w *world) { w.record = Record{} },
		"no token":          func(w *world) { w.record.Token = "" },
		"acknowledged":      func(w *world) { w.presence = func(Target) PresenceState { return Covered } },
		"configured none":   func(w *world) { w.defaults = Defaults{Mode: ModeNone} },
		"none for the head": func(w *world) { w.defaults, w.content, w.head = Defaults{Mode: ModeNone}, `{"none":true}`, 9 },
	} {
		t.Run(name, func(t *testing.T) {
			run(t, nil, func(b *bench) {
				b.set(change)
				k := b.hand(job(1))
				pass(2 * time.Second)
				k.want("done")
				if n := len(b.app.messages()); n != 0 {
					t.Errorf("%d pushes", n)
				}
			})
		})
	}
}

func TestNotifiedDeviceIsPushedAfterItsTime(t *testing.T) {
	for _, c := range []struct {
		urgency int
		want    time.Duration
	}{{High, 3 * time.Second}, {Normal, 10 * time.Second}, {Low, time.Minute}} {
		run(t, nil, func(b *bench) {
			b.set(func(w *world) { w.presence = func(Target) PresenceState { return InFlight } })
			begin := time.Now()
			j := job(1)
			j.Urgency = c.urgency
			k := b.store(j)
			pass(c.want - time.Millisecond)
			if n := len(b.app.messages()); n != 0 {
				t.Fatalf("urgency %d: pushed after %v", c.urgency, b.app.times()[0].Sub(begin))
			}
			pass(2 * time.Second)
			k.want("done")
			if n := len(b.app.messages()); n != 1 {
				t.Errorf("urgency %d: %d pushes", c.urgency, n)
			}
		})
	}
}

// A device that connects again and again and acknowledges nothing is notified
// anew each time. News that keep coming replace one another in the queue; they
// must not put off the push for the oldest of them.
func TestNewsDoNotPutOffThePush(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return InFlight } })
		begin := time.Now()
		for v := range int64(8) {
			b.hand(job(v + 1)) // the one before does not come back: it is replaced
			pass(2 * time.Second)
		}
		if len(b.app.messages()) == 0 {
			t.Fatalf("no push within %v of the first event", time.Since(begin))
		}
		if took := b.app.times()[0].Sub(begin); took < 10*time.Second || took > 13*time.Second {
			t.Errorf("pushed after %v, want soon after 10s", took)
		}
	})
}

func TestNotifiedDeviceThatAnswersIsNotPushed(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return InFlight } })
		k := b.store(job(7))
		pass(4 * time.Second)
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return Covered } })
		pass(20 * time.Second)
		k.want("done")
		if n := len(b.app.messages()); n != 0 {
			t.Errorf("%d pushes", n)
		}
		if b.checks[0] != (Target{"acme", "u1", "d1", "messages", 7}) {
			t.Errorf("asked about %+v", b.checks[0])
		}
	})
}

func TestUnknownPresenceEndsInAPush(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return Unknown } })
		j := job(1)
		j.EventAt = time.Now().Add(-time.Hour) // age alone must not end the asking
		k := b.store(j)
		pass(5 * time.Second)
		if n := len(b.app.messages()); n != 0 {
			t.Fatalf("%d pushes while the routers may still find out", n)
		}
		pass(20 * time.Second)
		k.want("done")
		if n := len(b.app.messages()); n != 1 {
			t.Errorf("%d pushes", n)
		}
	})
}

func TestToldBefore(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.head = 5 })
		b.hand(job(3))
		pass(2 * time.Second)
		again := b.hand(job(5))
		pass(2 * time.Second)
		again.want("done")
		if n := len(b.app.messages()); n != 1 {
			t.Fatalf("%d pushes for what was pushed already", n)
		}
		b.set(func(w *world) { w.record.Token = "another" })
		b.hand(job(5))
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 2 {
			t.Errorf("%d pushes: a new token has seen nothing", n)
		}
		b.set(func(w *world) { w.head = 6 })
		b.hand(job(6))
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 3 {
			t.Errorf("%d pushes after a newer version", n)
		}
	})
}

func TestAccountSwitch(t *testing.T) {
	run(t, nil, func(b *bench) {
		k := b.hand(job(1))
		// The device belongs to another user before the gathering ends: the
		// old user's record is gone.
		b.set(func(w *world) { w.record = Record{} })
		pass(2 * time.Second)
		k.want("done")
		if n := len(b.app.messages()); n != 0 {
			t.Errorf("%d pushes to a device that is another user's", n)
		}
	})
}

func TestRepeatOfAHeldJobDoesNotRemoveIt(t *testing.T) {
	run(t, nil, func(b *bench) {
		first := b.hand(job(4))
		second := b.hand(job(4))
		first.want("drop")
		pass(2 * time.Second)
		second.want("done")
		if n := len(b.app.messages()); n != 1 {
			t.Errorf("%d pushes", n)
		}
	})
}

// A job that another worker has, or that a newer one replaced, is not pushed
// and not taken from the other one.
func TestJobOfAnotherWorkerIsNotPushed(t *testing.T) {
	run(t, nil, func(b *bench) {
		k := b.hand(job(4))
		k.mu.Lock()
		k.lost = true
		k.mu.Unlock()
		pass(2 * time.Second)
		k.want("drop")
		again := b.hand(job(5))
		again.mu.Lock()
		again.err = errFake
		again.mu.Unlock()
		pass(2 * time.Second)
		again.want("retry")
		if n := len(b.app.messages()); n != 0 {
			t.Errorf("%d pushes", n)
		}
		b.hand(job(6))
		pass(2 * time.Second)
		if n := len(b.app.messages()); n != 1 {
			t.Errorf("%d pushes of a job that is the worker's own", n)
		}
	})
}

// A worker that was held up between its question and the push asks anew.
func TestStaleAnswerIsAskedAnew(t *testing.T) {
	run(t, nil, func(b *bench) {
		held := true
		b.set(func(w *world) {
			w.presence = func(Target) PresenceState {
				if held {
					held = false
					time.Sleep(7 * time.Second)
				}
				return Away
			}
		})
		k := b.hand(job(4))
		pass(9 * time.Second)
		k.want("retry")
		if n := len(b.app.messages()); n != 0 {
			t.Errorf("%d pushes", n)
		}
	})
}

func TestHeldJobsAreBounded(t *testing.T) {
	run(t, func(c *Config) { c.MaxHeld = 2 }, func(b *bench) {
		j := job(1)
		var all []*ticket
		for _, d := range []string{"a", "b", "c"} {
			j.Device = d
			all = append(all, b.hand(j))
		}
		j.Device, j.Version = "a", 2
		more := b.hand(j) // needs no more room
		all[0].want("done")
		all[1].want("")
		all[2].want("retry")
		pass(2 * time.Second)
		more.want("done")
		all[1].want("done")
	})
}

func TestStopGivesJobsBack(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(func(ctx context.Context, _ Message) Result {
			<-ctx.Done()
			return Result{Verdict: RetryAfter, Reason: "timeout"}
		})
		sending := b.hand(job(1))
		pass(1500 * time.Millisecond)
		held := b.hand(job(2))
		begin := time.Now()
		b.stop()
		<-b.finished
		held.want("retry")
		sending.want("retry")
		if took := time.Since(begin); took != 3*time.Second {
			t.Errorf("stopping took %v, want the grace of 3 s", took)
		}
		late := b.hand(job(3))
		late.want("retry")
	})
}

func TestAttemptUnderWayMayFinish(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(func(context.Context, Message) Result { time.Sleep(2 * time.Second); return Result{} })
		k := b.hand(job(1))
		pass(1500 * time.Millisecond)
		b.stop()
		<-b.finished
		k.want("done")
	})
}

func TestMessageIDIsStable(t *testing.T) {
	run(t, nil, func(b *bench) {
		n := 0
		b.app.set(func(context.Context, Message) Result {
			if n++; n == 1 {
				return Result{Verdict: RetryAfter, Reason: "timeout"}
			}
			return Result{}
		})
		k := b.store(job(1))
		pass(time.Minute)
		k.want("done")
		b.set(func(w *world) { w.head = 2 })
		b.hand(job(2))
		pass(2 * time.Second)
		m := b.app.messages()
		if len(m) != 3 || m[0].ID != m[1].ID || m[1].ID == m[2].ID || m[0].ID.Version() != 5 {
			t.Errorf("ids %v", m)
		}
	})
}

func TestNewWorkerWantsItsBorders(t *testing.T) {
	if _, err := NewWorker(Config{}); err == nil {
		t.Error("accepted")
	}
	w := newWorld()
	cfg := Config{Presence: w, Records: w, Heads: w, Events: w, Policy: func(string, string) Defaults { return Defaults{} }}
	if _, err := NewWorker(cfg); err == nil {
		t.Error("accepted without a logger")
	}
}

func TestBackoffGrowsAndIsBounded(t *testing.T) {
	for _, before := range []int{0, 1, 5, 9, 64, 1 << 30} {
		var waits []time.Duration
		for range 200 {
			waits = append(waits, backoff(before))
		}
		slices.Sort(waits)
		if waits[0] < backoffBase/4 || waits[len(waits)-1] > backoffMax+backoffBase {
			t.Errorf("after %d failures: %v to %v", before, waits[0], waits[len(waits)-1])
		}
		if before == 5 && waits[len(waits)-1] < 10*time.Second {
			t.Errorf("after 5 failures at most %v", waits[len(waits)-1])
		}
	}
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	run(t, func(c *Config) { c.Registerer = reg }, func(b *bench) {
		b.hand(job(1))
		b.hand(job(2))
		pass(2 * time.Second)
	})
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			name := f.GetName()
			for _, l := range m.GetLabel() {
				name += " " + l.GetValue()
			}
			got[name] = m.GetCounter().GetValue()
		}
	}
	for _, name := range []string{
		"hawser_push_jobs_total pushed", "hawser_push_jobs_total superseded",
		"hawser_push_sends_total ios  delivered",
	} {
		if got[name] != 1 {
			t.Errorf("%s is %v in %v", name, got[name], got)
		}
	}
}
