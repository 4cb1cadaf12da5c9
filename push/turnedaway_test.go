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
