package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
)

const (
	// pushClockEvery is how often the clocks are compared.
	pushClockEvery = 10 * time.Second
	// pushClockTolerance is by how much they may differ: a push that is to be tried
	// once is given up half a minute after its time.
	pushClockTolerance = 10 * time.Second
)

// pushClock compares this host's clock with the one of the NATS server that leads
// the queue. Push processes go by the times that routers wrote into a job: where
// this host is ahead, pushes are given up too early, where it is behind, they live
// too long, and either way push services may refuse what it signs. Which of the
// two clocks is right nobody here knows, so that work goes on.
type pushClock struct {
	// Static after construction.
	log *slog.Logger
	now func() time.Time
	ask func(context.Context) (time.Time, error) // NATS's time

	ahead atomic.Int64 // of this host, at the last comparison, in nanoseconds
	said  reminder.Reminder
}

func newPushClock(p parts, js jetstream.JetStream) *pushClock {
	c := &pushClock{log: p.log, now: wallClock(), ask: func(ctx context.Context) (time.Time, error) {
		consumer, err := js.Consumer(ctx, routing.StreamPush, routing.ConsumerPush)
		if err != nil {
			return time.Time{}, err
		}
		return consumer.CachedInfo().TimeStamp, nil
	}}
	metric.For(p.registry, "push").GaugeFunc("clock_ahead_seconds",
		"By how much this host's clock is ahead of the NATS server's that leads the queue of pushes, negative where it is behind.",
		func() float64 { return c.difference().Seconds() })
	return c
}

// run compares until ctx ends.
func (c *pushClock) run(ctx context.Context) {
	for ok := true; ok; ok = sleep.For(ctx, pushClockEvery) {
		c.compare(ctx)
	}
}

// compare asks once. That NATS does not answer is told elsewhere.
func (c *pushClock) compare(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, awaitAnswer)
	defer cancel()
	before := c.now()
	theirs, err := c.ask(ctx)
	if err != nil || theirs.IsZero() {
		return
	}
	c.note(before, theirs, c.now())
}

// note takes in what NATS said at some time between the two of this host.
func (c *pushClock) note(before, theirs, after time.Time) {
	ahead := time.Duration(0)
	switch {
	case before.After(theirs):
		ahead = before.Sub(theirs)
	case theirs.After(after):
		ahead = after.Sub(theirs)
	}
	c.ahead.Store(int64(ahead))
	switch {
	case ahead.Abs() <= pushClockTolerance:
		if c.said.Over() {
			c.log.Info("the clocks of this host and of NATS agree again")
		}
	case c.said.Due(time.Now()):
		c.log.Error("the clocks of this host and of NATS differ: pushes are given up too early or too late, and push services may refuse what is signed here; let NTP set both",
			"ahead_s", ahead.Seconds())
	}
}

// difference is by how much this host was ahead.
func (c *pushClock) difference() time.Duration { return time.Duration(c.ahead.Load()) }

// words tells /readyz of a difference; empty where there is none to speak of.
func (c *pushClock) words() string {
	d := c.difference()
	if d.Abs() <= pushClockTolerance {
		return ""
	}
	where := "ahead of"
	if d < 0 {
		where = "behind"
	}
	return fmt.Sprintf("the clock of this host is %s %s NATS's: let NTP set both", d.Abs().Round(time.Second), where)
}
