package natsim

import (
	"time"

	"github.com/hawser-edge/hawser/heartbeat"
)

// policy decides on intervals. The first methods are what an edge can see, the
// last one what a device can.
type policy interface {
	open(now time.Time, d int, a heartbeat.Arrival) heartbeat.Plan
	move(now time.Time, d int, p heartbeat.Path) heartbeat.Plan
	shift(now time.Time, d int, s heartbeat.State)
	probed(now time.Time, d int, silence time.Duration)
	notified(now time.Time, d int, silence time.Duration)
	heard(now time.Time, d int, silence time.Duration)
	rebound(now time.Time, d int, silence time.Duration)
	next(now time.Time, d int) heartbeat.Plan
	closed(now time.Time, d int, how heartbeat.Ending, silence time.Duration)

	// beat is told whether a device's own beat after that silence was
	// answered.
	beat(now time.Time, d int, silence time.Duration, answered bool)
}

// deaf is a policy that hears nothing.
type deaf struct{}

func (deaf) shift(time.Time, int, heartbeat.State)                  {}
func (deaf) probed(time.Time, int, time.Duration)                   {}
func (deaf) notified(time.Time, int, time.Duration)                 {}
func (deaf) heard(time.Time, int, time.Duration)                    {}
func (deaf) rebound(time.Time, int, time.Duration)                  {}
func (deaf) closed(time.Time, int, heartbeat.Ending, time.Duration) {}
func (deaf) beat(time.Time, int, time.Duration, bool)               {}

// fixed is one interval for all.
type fixed struct {
	deaf
	interval time.Duration
}

func (f fixed) open(time.Time, int, heartbeat.Arrival) heartbeat.Plan { return f.plan() }
func (f fixed) move(time.Time, int, heartbeat.Path) heartbeat.Plan    { return f.plan() }
func (f fixed) next(time.Time, int) heartbeat.Plan                    { return f.plan() }
func (f fixed) plan() heartbeat.Plan                                  { return heartbeat.Plan{Interval: f.interval} }

// oracle knows each connection's timeout, and how late timers are. It keeps to
// the bounds of every interval, and to one of its own.
type oracle struct {
	deaf
	late    float64
	most    float64 // seconds
	timeout func(d int) float64
}

func (o oracle) open(_ time.Time, d int, _ heartbeat.Arrival) heartbeat.Plan { return o.plan(d) }
func (o oracle) move(_ time.Time, d int, _ heartbeat.Path) heartbeat.Plan    { return o.plan(d) }
func (o oracle) next(_ time.Time, d int) heartbeat.Plan                      { return o.plan(d) }

func (o oracle) plan(d int) heartbeat.Plan {
	s := min(o.timeout(d)-o.late-0.1, o.most)
	return heartbeat.Plan{Interval: heartbeat.Clamp(time.Duration(s * float64(time.Second)))}
}

// learner is the engine of hawser.
type learner struct {
	engine heartbeat.Engine
	views  []heartbeat.View
	dice   func() float64
}

func (l *learner) open(now time.Time, d int, a heartbeat.Arrival) heartbeat.Plan {
	l.views[d] = l.engine.Open(now, a)
	return l.next(now, d)
}

func (l *learner) move(now time.Time, d int, p heartbeat.Path) heartbeat.Plan {
	l.engine.Move(now, &l.views[d], p)
	return l.next(now, d)
}

func (l *learner) shift(now time.Time, d int, s heartbeat.State) {
	l.engine.Shift(now, &l.views[d], s)
}

func (l *learner) probed(now time.Time, d int, silence time.Duration) {
	l.engine.Probed(now, &l.views[d], silence)
}

func (l *learner) notified(now time.Time, d int, silence time.Duration) {
	l.engine.Notified(now, &l.views[d], silence)
}

func (l *learner) heard(now time.Time, d int, silence time.Duration) {
	l.engine.Heard(now, &l.views[d], silence)
}

func (l *learner) rebound(now time.Time, d int, silence time.Duration) {
	l.engine.Rebound(now, &l.views[d], silence)
}

func (l *learner) next(now time.Time, d int) heartbeat.Plan {
	return l.engine.Next(now, &l.views[d], l.dice())
}

func (l *learner) closed(now time.Time, d int, how heartbeat.Ending, silence time.Duration) {
	l.engine.Closed(now, &l.views[d], how, silence)
}

func (l *learner) beat(time.Time, int, time.Duration, bool) {}
