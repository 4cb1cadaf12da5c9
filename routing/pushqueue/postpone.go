package pushqueue

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

const (
	// slack is how much too early a job may be handed out.
	slack = 20 * time.Millisecond
	// longestDelay bounds what the queue's timers are asked for at once, in case
	// a clock is set.
	longestDelay = time.Hour
	// answerEvery is how often the queue is told of the jobs that wait on. NATS
	// looks through all that wait a moment after such an answer, and settles
	// nothing of anybody meanwhile: with tens of thousands that takes
	// milliseconds. So the answers go together. It is well within AckWait.
	answerEvery = 4 * time.Second
	// answersAtOnce go together, every answersApart. What NATS hears in one go it
	// takes for due at as many moments, and looks through all for each; and the
	// moment after which it looks is 10 ms from the last answer.
	answersAtOnce = 128
	answersApart  = 4 * time.Millisecond
	// maxParked bounds the jobs whose answers wait; where there are more the
	// answers go on the spot.
	maxParked = 8192
)

// Postpone hands the job out again at the given time, or once recall is called.
// Nothing is written: it is for a job that stands among the held ones already,
// where it waits on, and where the time is forgotten with the NATS servers it
// comes early. recall keeps nothing of the job in memory, may be called from any
// goroutine, and does nothing for a job that has gone.
func (d *Delivery) Postpone(until time.Time) (recall func()) {
	if d.claim() {
		d.waitOn(settledPostponed, until)
	}
	o, m := d.open, d.open.message(d.msg.Reply())
	return func() { o.recall(m) }
}

// early reports whether the job must not be handed out yet, and sends it back.
// What waits for an application is its worker's to judge.
func early(d *Delivery) bool {
	if time.Until(d.Job.NotBefore) <= slack || d.Job.paused() {
		return false
	}
	if d.claim() {
		d.waitOn(settledEarly, d.Job.NotBefore)
	}
	return true
}

// waitOn has the queue told, in a while, that the job waits until then. Who has
// claimed it calls this.
func (d *Delivery) waitOn(how string, until time.Time) {
	p := &parked{d: d, how: how, until: until}
	if time.Until(until) < 2*answerEvery || !d.open.park(p) {
		p.answer()
	}
}

// parked is a delivery that waits to be settled.
type parked struct {
	d     *Delivery
	how   string
	until time.Time
}

func (p *parked) answer() {
	p.d.finish(p.how, func() error {
		return p.d.again(min(time.Until(p.until), longestDelay))
	})
}

// park gives a delivery's place to another one. It stays open until it is
// answered. park reports false where there are too many.
func (o *openSet) park(p *parked) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.parked) >= maxParked {
		return false
	}
	if _, ok := o.all[p.d]; ok {
		o.leavePlaceLocked(p.d)
		o.parked[p.d.msg.Reply()] = p
		o.tellRoom()
	}
	return true
}

// recall has the queue hand out a message again. It does not look what stands at
// the message's sequence by now, for many are called back at once: another job that
// comes too early for it is sent back, and one in a worker's hands is given to that
// worker once more, which works on a device's jobs of a kind one at a time.
func (o *openSet) recall(m message) {
	o.answering.Lock() // else the queue may be told afterwards that it waits
	defer o.answering.Unlock()
	o.mu.Lock()
	p := o.parked[m.Reply()]
	delete(o.parked, m.Reply())
	o.mu.Unlock()
	if p != nil {
		p.d.finish(p.how, p.d.back)
		return
	}
	if err := m.Nak(); err != nil {
		o.metrics.lost.Inc()
	}
}

// answerParked tells the queue of some that are parked, and reports whether there
// are more.
func (o *openSet) answerParked() bool {
	o.answering.Lock()
	defer o.answering.Unlock()
	for _, p := range o.takeParked(answersAtOnce) {
		p.answer()
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.parked) > 0
}

func (o *openSet) takeParked(limit int) (some []*parked) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for reply, p := range o.parked {
		if len(some) == limit {
			break
		}
		delete(o.parked, reply)
		some = append(some, p)
	}
	return some
}

// answerAll tells the queue of what is parked every so often, until ctx ends.
func (o *openSet) answerAll(ctx context.Context) {
	for sleep.For(ctx, answerEvery) {
		for o.answerParked() && sleep.For(ctx, answersApart) {
		}
	}
}
