package push

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

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
				b.wantPushes(0)
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
		b.wantPushes(0)
		if b.checks[0] != (Target{"acme", "u1", "d1", "messages", 7, Normal}) {
			t.Errorf("asked about %+v", b.checks[0])
		}
	})
}

// A device that fetches hears: it is waited for also where the patience with it is
// over, as with a call whose push was stored for that moment.
func TestFetchingDeviceIsNotPushed(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return Fetching } })
		k := b.store(overdue())
		pass(8 * time.Second)
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return Covered } })
		pass(2 * time.Second)
		k.want("done")
		b.wantPushes(0)
	})
}

// One that fetches for ever is pushed, also where routers do not always know.
func TestFetchingEndsInAPush(t *testing.T) {
	for name, also := range map[string]PresenceState{"always": Fetching, "or unknown": Unknown} {
		t.Run(name, func(t *testing.T) {
			run(t, nil, func(b *bench) {
				asked := 0
				b.set(func(w *world) {
					w.presence = func(Target) PresenceState {
						if asked++; asked%2 == 0 {
							return also
						}
						return Fetching
					}
				})
				k := b.store(overdue())
				pass(8 * time.Second)
				if n := len(b.app.messages()); n != 0 {
					t.Fatalf("%d pushes while it fetches", n)
				}
				pass(10 * time.Second)
				k.want("done")
				b.wantPushes(1)
			})
		})
	}
}

// It is waited for at least as long as any device that was notified.
func TestFetchingDoesNotEndPatience(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.presence = func(Target) PresenceState { return Fetching } })
		j := job(1)
		j.Urgency = Low
		k := b.store(j)
		pass(patience(Low) - time.Millisecond)
		if n := len(b.app.messages()); n != 0 {
			t.Fatalf("%d pushes within its patience", n)
		}
		pass(2 * time.Second)
		k.want("done")
	})
}

// To fetch is to be known, and ends with it: each time of either begins anew.
func TestTimesOfPresence(t *testing.T) {
	m, k, begun := newMemory(10), job(1).key(), time.Now()
	at := func(s int) time.Time { return begun.Add(time.Duration(s) * time.Second) }
	for i, c := range []struct {
		ask  func(key, time.Time) time.Duration
		at   int
		want time.Duration
	}{
		{m.unknown, 0, 0}, {m.unknown, 4, 4 * time.Second}, {m.fetching, 5, 0}, {m.unknown, 6, 0},
		{m.unknown, 8, 2 * time.Second}, {m.fetching, 9, 4 * time.Second},
	} {
		if got := c.ask(k, at(c.at)); got != c.want {
			t.Errorf("question %d: %v, want %v", i, got, c.want)
		}
	}
	m.known(k)
	if u, f := m.unknown(k, at(20)), m.fetching(k, at(20)); u != 0 || f != 0 {
		t.Errorf("since it was known otherwise: %v and %v", u, f)
	}
}

// A job that waited for its turn goes to what the device is by then.
func TestDeviceIsLookedUpAgainAfterALongWait(t *testing.T) {
	for name, c := range map[string]struct {
		change     func(*Record)
		app, other int // messages, one of them of the job before
	}{
		"another token":       {func(r *Record) { r.Token = "newer" }, 2, 0},
		"another application": {func(r *Record) { r.App = "other" }, 1, 1},
		"no record":           {func(r *Record) { *r = Record{} }, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(c *Config) { c.AppInFlight = 1 }, func(b *bench) {
				b.app.set(func(context.Context, Message) Result { time.Sleep(5 * time.Second); return Result{} })
				b.store(job(1))
				pass(1100 * time.Millisecond) // it is being sent
				second := job(1)
				second.Device = "d2"
				k := b.store(second)
				pass(1100 * time.Millisecond)
				b.set(func(w *world) { c.change(&w.record) })
				pass(20 * time.Second)
				k.want("done")
				sent := b.app.messages()
				if len(sent) != c.app || len(b.other.messages()) != c.other {
					t.Fatalf("%d and %d messages, want %d and %d", len(sent), len(b.other.messages()), c.app, c.other)
				}
				if last := sent[len(sent)-1]; c.app == 2 && last.Token != "newer" {
					t.Errorf("sent to %q", last.Token)
				}
			})
		})
	}
}

// overdue is a job with whose device all patience is over.
func overdue() Job {
	j := job(1)
	j.EventAt = time.Now().Add(-time.Minute)
	return j
}

// Where nobody can be asked, presence is unknown, whatever else is said.
func TestPresenceThatCannotBeAskedIsUnknown(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.set(func(w *world) { w.cutOff = true })
		k := b.store(job(1))
		pass(9 * time.Second)
		b.wantPushes(0)
		pass(5 * time.Second)
		b.wantPushes(1)
		k.want("done")
	})
}

// Times of unknown presence are not added up: a device that is found in between is
// connected.
func TestUnknownPresenceEndsWhereADeviceIsFound(t *testing.T) {
	run(t, nil, func(b *bench) {
		begin := time.Now()
		b.set(func(w *world) {
			w.presence = func(Target) PresenceState {
				switch at := time.Since(begin); {
				case at > 20*time.Second:
					return Covered
				case at > 8*time.Second && at < 12*time.Second:
					return InFlight
				}
				return Unknown
			}
		})
		j := job(1)
		j.Urgency = Low
		k := b.store(j)
		pass(22 * time.Second)
		k.want("done")
		b.wantPushes(0)
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
		b.wantPushes(1)
	})
}

// The patience with a device is that of the events that wait: what it has heard does
// not shorten it.
func TestPatienceBeginsAnewWithWhatIsNew(t *testing.T) {
	run(t, nil, func(b *bench) {
		for version := range int64(3) {
			b.set(func(w *world) { w.presence = func(Target) PresenceState { return InFlight } })
			k := b.store(job(version + 1))
			pass(5 * time.Second)
			b.set(func(w *world) { w.presence = func(Target) PresenceState { return Covered } })
			pass(2 * time.Second)
			k.want("done")
			pass(time.Hour)
		}
		b.wantPushes(0)
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
		b.wantPushes(0)
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
		other := job(2)
		other.Device = "d2"
		b.hand(other)
		pass(2 * time.Second)
		m := b.app.messages()
		if len(m) != 4 || m[0].ID != m[1].ID || m[1].ID == m[2].ID || m[2].ID == m[3].ID || m[0].ID.Version() != 5 {
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
