package push

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"
)

// others has pushes to other devices of the application arrive.
func (b *bench) others(n int) {
	for i := range n {
		b.worker.guards[AppKey{"acme", IOS, "app"}].saw(fmt.Sprint("other", i), accepted, time.Now())
	}
}

func unregistered(at time.Time) Result {
	return Result{Verdict: DropToken, Reason: "Unregistered", Unregistered: at}
}

var badToken = Result{Verdict: SuspectToken, Reason: "BadDeviceToken"}

// wantEvents compares what was marked, announced and removed, in order.
func (b *bench) wantEvents(want ...string) {
	b.t.Helper()
	if got := b.logged(); !slices.Equal(got, want) {
		b.t.Errorf("events\n got %v\nwant %v", got, want)
	}
}

func TestTokenThatIsGoneIsConfirmedAnnouncedAndRemoved(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(unregistered(time.Now())))
		b.others(1)
		k := b.store(job(1))
		pass(30 * time.Second)
		b.wantEvents("mark token")
		b.others(1)
		pass(2 * time.Minute)
		k.want("done")
		b.wantEvents("mark token", "rejected app Unregistered", "drop token")
		if n := len(b.app.messages()); n != 2 {
			t.Errorf("%d attempts, want 2", n)
		}
	})
}

// The second rejection counts once a registration has had time to get about,
// whichever push brings it.
func TestConfirmationTakesItsTime(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(unregistered(time.Now())))
		b.others(1)
		b.store(job(1))
		pass(10 * time.Second)
		b.others(1)
		other := job(1)
		other.Kind = "calls"
		b.store(other)
		pass(30 * time.Second)
		if n := len(b.app.messages()); n != 2 {
			t.Fatalf("%d attempts, want 2", n)
		}
		b.wantEvents("mark token")
		pass(2 * time.Minute)
		if !slices.Contains(b.logged(), "drop token") { // both may announce it
			t.Errorf("in the end: %v", b.logged())
		}
	})
}

func TestTokenRegisteredLaterIsKept(t *testing.T) {
	for _, c := range []struct {
		name       string
		registered time.Duration // after the provider's timestamp
		removed    bool
	}{{"long before", -clockMargin, true}, {"maybe before", -clockMargin + time.Millisecond, false}, {"after", time.Millisecond, false}} {
		t.Run(c.name, func(t *testing.T) {
			run(t, nil, func(b *bench) {
				at := time.Now().Add(-time.Hour)
				b.set(func(w *world) { w.record.RegisteredAt = at.Add(c.registered) })
				b.app.set(always(unregistered(at)))
				b.others(1)
				b.store(job(1))
				pass(30 * time.Second)
				b.others(1)
				pass(2 * time.Minute)
				if removed := slices.Contains(b.logged(), "drop token"); removed != c.removed {
					t.Errorf("removed %v: %v", removed, b.logged())
				}
				if c.registered > 0 { // whatever proof there is
					for range 12 {
						b.others(20)
						pass(5 * time.Minute)
					}
					b.wantEvents()
				}
			})
		})
	}
}

// Where nothing arrives at anybody, nothing is known of any token.
func TestTokenIsKeptUntilPushesToOthersArrive(t *testing.T) {
	run(t, nil, func(b *bench) {
		b.app.set(always(unregistered(time.Now())))
		k := b.store(job(1))
		pass(time.Hour)
		b.wantEvents()
		b.others(1)
		pass(10 * time.Minute)
		b.wantEvents("mark token")
		b.others(1)
		pass(10 * time.Minute)
		k.want("done")
	})
}

func TestSuspectIsRemovedOnlyAmongManyGoodOnes(t *testing.T) {
	for _, c := range []struct {
		name    string
		others  int
		removed bool
		want    string
	}{{"many", 10, true, "done"}, {"few", 9, false, "dead BadDeviceToken"}} {
		t.Run(c.name, func(t *testing.T) {
			run(t, nil, func(b *bench) {
				b.app.set(always(badToken))
				b.others(10)
				k := b.store(job(1))
				pass(time.Minute)
				b.wantEvents("mark token")
				b.others(c.others)
				pass(10 * time.Minute)
				k.want(c.want)
				if removed := slices.Contains(b.logged(), "drop token"); removed != c.removed {
					t.Errorf("removed %v: %v", removed, b.logged())
				}
				if n := len(b.app.messages()); n != 2 {
					t.Errorf("%d attempts, want 2", n)
				}
			})
		})
	}
}

// The device registers while the answer is on its way.
func TestTokenRegisteredMeanwhileGetsThePush(t *testing.T) {
	for _, after := range []int{1, 2} {
		t.Run(fmt.Sprintf("attempt %d", after), func(t *testing.T) {
			run(t, nil, func(b *bench) {
				at, sent := time.Now(), 0
				b.others(1)
				b.app.set(func(context.Context, Message) Result {
					if sent++; sent > after {
						return Result{}
					}
					b.others(1)
					if sent == after { // by a clock that is far behind
						b.set(func(w *world) {
							w.record.RejectedAt = time.Time{}
							w.record.Revision++
						})
					}
					return unregistered(at)
				})
				k := b.store(job(1))
				pass(5 * time.Minute)
				k.want("done")
				if slices.Contains(b.logged(), "drop token") {
					t.Errorf("removed: %v", b.logged())
				}
				made := b.app.times()
				if len(made) != after+1 {
					t.Fatalf("%d attempts, want %d", len(made), after+1)
				}
				if wait := made[after].Sub(made[after-1]); wait > 5*time.Second {
					t.Errorf("pushed %v after its registration was found", wait)
				}
			})
		})
	}
}

func TestTokenStaysWhileItsEventCannotBePublished(t *testing.T) {
	run(t, func(c *Config) { c.Removals = map[AppKey]Removal{{"acme", IOS, "app"}: RemovalTrusted} }, func(b *bench) {
		b.set(func(w *world) { w.eventErr = errFake })
		b.app.set(always(unregistered(time.Now())))
		b.store(job(1))
		pass(5 * time.Minute)
		if got := b.logged(); slices.Contains(got, "drop token") || !slices.Contains(got, "rejected app Unregistered") {
			t.Errorf("%v", got)
		}
	})
}

func TestOperatorsWord(t *testing.T) {
	for mode, want := range map[Removal]string{RemovalTrusted: "done", RemovalNever: "dead Unregistered"} {
		run(t, func(c *Config) { c.Removals = map[AppKey]Removal{{"acme", IOS, "app"}: mode} }, func(b *bench) {
			b.app.set(always(unregistered(time.Now())))
			k := b.store(job(1))
			pass(5 * time.Minute)
			k.want(want)
			if mode == RemovalNever && k.deadApp != "app" { // operators ask for letters of one
				t.Errorf("given up for application %q", k.deadApp)
			}
		})
	}
}
