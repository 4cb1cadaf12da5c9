package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// Answer takes in an edge's answer to a notify.
func (p *Dispatcher) Answer(edge string, incarnation int64, a *linkpb.Answer, now time.Time) {
	s, id := p.table.Session(edge, incarnation, a.GetConn())
	if !s.Exists() {
		p.counts.AnswersUnknown++
		return
	}
	p.counts.Answers++
	if a.GetState() == linkpb.Answer_STATE_GONE {
		p.ended(id, s, now)
	}
	p.answerChecks(s, id, a, now)
	acked := a.GetAcked()
	if a.GetState() == linkpb.Answer_STATE_ACKED {
		p.table.SetDoubtful(s, false)
		acked = max(acked, a.GetVersion())
	}
	p.heardWaiting(id, a.GetKind(), acked)
	f := p.find(id.UserID, a.GetKind())
	if f == nil {
		return
	}
	if acked > f.head {
		// Another router may know of more. Nobody shall settle what is yet to
		// come: the device is asked again then.
		p.counts.AnswersAhead++
		acked = f.head
	}
	if d := f.device(id.Device); d != nil {
		if d.acked > 0 && acked > d.acked {
			p.table.SetDoubtful(s, false) // it follows, though not to the head
		}
		d.take(s, a, acked, now)
		p.uninsure(d)
		p.drive(d, now)
		p.collect(f, now)
	}
}

// take notes what an answer says of the device. acked may be above what the
// answer itself names.
func (d *delivery) take(s table.Session, a *linkpb.Answer, acked int64, now time.Time) {
	d.acked = max(d.acked, acked)
	switch a.GetState() {
	case linkpb.Answer_STATE_GONE:
		d.gone = s
	case linkpb.Answer_STATE_IN_FLIGHT:
		if s == d.asked {
			d.answered = max(d.answered, a.GetVersion())
		}
		if a.GetFetching() {
			d.fetchedAt = now
		}
		d.rides(a.GetRidesMs(), now)
	}
}

// rides notes whether the notify waits for the device's next frame, as only what
// is of low urgency does. Once it does not any more, the device has a moment
// left to acknowledge it.
func (d *delivery) rides(ms int64, now time.Time) {
	if ms <= 0 || d.urgency() != routing.UrgencyLow {
		d.ridesUntil = earlier(d.ridesUntil, now.Add(rideSlack))
		return
	}
	d.ridesUntil = now.Add(time.Duration(min(ms, rideFor.Milliseconds()))*time.Millisecond + rideSlack)
}
