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

// Changed takes in what happened to a device's session.
func (p *Dispatcher) Changed(c table.Change, now time.Time) {
	p.follow(c, now)
	if !p.concerned(c.Device.UserID) {
		return
	}
	c.Device = c.Device.Clone()
	for _, f := range p.flows(c.Device.UserID) {
		d := f.device(c.Device.Device)
		if d == nil && c.New {
			d = p.delivery(f, c.Device.Device)
		}
		if d == nil {
			continue
		}
		if c.New {
			d.released = [2]int64{}
		}
		p.drive(d, now)
		p.collect(f, now)
	}
	if c.New {
		p.remind(c, now)
	}
}

// follow remembers devices that went just now.
func (p *Dispatcher) follow(c table.Change, now time.Time) {
	if c.Session.Exists() {
		p.closed.back(c.Device)
		if c.New {
			p.askWaiting(c.Device, c.Session)
		}
	} else if p.table.Device(c.Device).HasToken {
		p.closed.add(c.Device.Clone(), now)
	}
}

// ended is follow for a session whose edge knows it no longer: the edge's word
// of its end is on its way.
func (p *Dispatcher) ended(id table.DeviceID, s table.Session, now time.Time) {
	if dev := p.table.Device(id); dev.HasToken && dev.Session == s {
		p.closed.add(id, now)
	}
}

// concerned reports whether anything is open or remembered of a user. It
// mostly is not: a router that takes in an edge hears of each of its sessions.
func (p *Dispatcher) concerned(id table.UserID) bool {
	if len(p.users) == 0 && p.recent.size == 0 && p.heard.size == 0 {
		return false
	}
	return p.users[id] != nil || p.recent.users[id] != nil || p.heard.users[id] != nil
}
