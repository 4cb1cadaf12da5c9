package push

import (
	"context"
	"fmt"
	"testing"
	"time"
)

// What an application has no room for waits apart, unless it is only for a
// moment: of the jobs that are due the queue hands out so many at once and no
// more, and a hundred thousand that were sent back would keep it from those of
// others.
func TestJobsTurnedAwayWaitApart(t *testing.T) {
	for what, test := range map[string]struct {
		answer func(context.Context, Message) Result
		age    time.Duration
		apart  bool
	}{
		"the service is away": {always(Result{Verdict: RetryAfter, Cause: OfLine, Reason: "no connection"}), 0, true},
		"a moment":            {slowly, 0, false},
		"for long":            {slowly, time.Minute, true},
	} {
		t.Run(what, func(t *testing.T) {
			run(t, func(c *Config) { c.AppInFlight, c.AppQueue = 5, 5 }, func(b *bench) {
				b.app.set(test.answer)
				b.devices(10)
				pass(5 * time.Second)
				var late []*ticket
				for i := range 20 {
					j := job(1)
					j.Device, j.EventAt = fmt.Sprintf("late%d", i), time.Now().Add(-test.age)
					late = append(late, b.hand(j))
				}
				pass(2 * time.Second)
				sentBack := 0
				for _, k := range late {
					how, _ := k.resolved()
					if how != "retry" {
						continue
					}
					sentBack++
					if hold, _ := k.held(); (hold == HoldPaused) != test.apart {
						t.Errorf("a job was sent back with hold %d", hold)
					}
				}
				if sentBack < 10 {
					t.Errorf("%d of 20 jobs were sent back", sentBack)
				}
			})
		})
	}
}

// slowly takes every push, after a long time.
func slowly(context.Context, Message) Result {
	time.Sleep(9 * time.Second)
	return Result{}
}

// A burst that an application has no room for comes again when there is room: it
// is sent as fast as the application takes it, and hardly returns in vain.
func TestABurstReturnsWhenThereIsRoom(t *testing.T) {
	run(t, func(c *Config) { c.AppInFlight, c.AppQueue = 5, 10 }, func(b *bench) {
		b.app.set(func(context.Context, Message) Result { // 50 a second
			time.Sleep(100 * time.Millisecond)
			return Result{}
		})
		all := b.devices(400)
		pass(8*time.Second + 3*time.Second)
		if n := done(all); n != 400 {
			t.Errorf("%d of 400 pushed", n)
		}
		looked := 0
		b.set(func(w *world) { looked = w.looked })
		if looked > 1000 {
			t.Errorf("%d devices were looked up for 400 pushes", looked)
		}
	})
}

// Where no more can be called back than are, a job returns soon by itself.
func TestABurstBeyondWhatIsCalledBack(t *testing.T) {
	run(t, func(c *Config) { c.AppInFlight, c.AppQueue = 5, 5 }, func(b *bench) {
		b.app.set(slowly)
		b.devices(10)
		pass(2 * time.Second)
		q := b.worker.apps[AppKey{"acme", IOS, "app"}]
		promised := 0
		for ; promised <= maxRecalls && q.promise(); promised++ {
		}
		for range promised {
			q.rememberPromised(recall{time.Now().Add(time.Hour), func() {}})
		}
		if n := q.state().away; promised > maxRecalls || n != maxRecalls {
			t.Errorf("%d places were promised, %d jobs can be called back, want %d", promised, n, maxRecalls)
		}
		late := job(1)
		late.Device, late.EventAt = "late", time.Now()
		k := b.hand(late)
		pass(1500 * time.Millisecond)
		if how, after := k.resolved(); how != "retry" || after > 2*time.Second {
			t.Errorf("%q after %v, want another try after a second", how, after)
		}
	})
}
