package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// delivery is what is open between a flow and one device.
type delivery struct {
	// Static after construction.
	flow   *flow
	device string

	// What is known, as the greatest versions: acked by the device; stored as
	// a push job; released, because nothing more can or need be done for it,
	// for events without [0] and with [1] a push.
	acked, stored int64
	released      [2]int64

	// asked is the session that was asked, since askSince, last at askedAt
	// for askedVersion; answered is what its edge says it holds for it. gone
	// is a session that its edge does not know.
	asked        table.Session
	askSince     time.Time
	askedAt      time.Time
	askedVersion int64
	answered     int64
	gone         table.Session
	// graceUntil is before when the asked session is not given up.
	graceUntil time.Time
	// fetchedAt is when its edge last said that the device was fetching.
	fetchedAt time.Time
	// ridesUntil is set where the notify waits at the edge for the device's
	// next frame.
	ridesUntil time.Time
	// insured is the version whose job is stored to be made once the patience
	// is over, insureSince since when such a job is wanted.
	insured     int64
	insureSince time.Time
	// burst counts the notifies of new versions since burstAt.
	burst   int
	burstAt time.Time
	// waitUntil is before when a device whose edge was lost is not pushed,
	// slot its place among them afterwards.
	waitUntil, slot time.Time
	// remindUntil is set while a session is asked for what was settled before
	// it registered.
	remindUntil time.Time
	// away is the version for which the device was last found away.
	away int64

	// storing is the version whose job is being stored, or 0. After failures
	// it is tried again at storeAt.
	storing  int64
	failures int
	storeAt  time.Time

	due   time.Time
	timer int // in timers; -1: not in it
}

// reason says how a device settles a message.
type reason uint8

const (
	open reason = iota
	byAck
	byJob
	byRelease
)

// settles says how the device settled a message; open: it did not.
func (d *delivery) settles(h *held) reason {
	switch {
	case h.Version <= d.acked:
		return byAck
	case h.Version <= d.stored:
		return byJob
	case h.Push && h.Version <= d.released[1], !h.Push && h.Version <= d.released[0]:
		return byRelease
	default:
		return open
	}
}

// open reports whether there is a message that the device has not settled.
func (d *delivery) open() bool {
	for _, h := range d.flow.held {
		if d.settles(h) == open {
			return true
		}
	}
	return false
}

func (d *delivery) id() table.DeviceID { return table.DeviceID{UserID: d.flow.user, Device: d.device} }

// drive does for one device what can be done now, and plans when to look
// again.
func (p *Dispatcher) drive(d *delivery, now time.Time) {
	if d.flow.retired {
		return
	}
	d.flow.expireHint(now)
	dev := p.table.Device(d.id())
	if dev.Session == d.gone {
		dev.Session = table.Session{}
	}
	s := dev.Session
	since, patience := d.patience()
	deadline := since.Add(patience)
	d.endReminder(s, now)
	d.endRide(since, now)
	if s.Exists() && !p.insure(d, dev, deadline, now) {
		p.ask(d, s, deadline, now)
	}
	if d.open() {
		p.decide(d, dev, deadline, now)
	}
	if !d.flow.retired {
		p.timers.set(d, d.next(s, deadline, now))
	}
}

// patience is counted from the oldest event that the device did not
// acknowledge and for which no job is stored.
func (d *delivery) patience() (since time.Time, patience time.Duration) {
	at, u, ok := d.flow.past.after(max(d.acked, d.stored))
	if !ok {
		return time.Time{}, 0
	}
	return at, u.Patience()
}

// next returns when to look at the delivery again, or the zero time.
func (d *delivery) next(s table.Session, deadline, now time.Time) time.Time {
	reminds := !d.remindUntil.IsZero()
	if !d.open() && !reminds && !d.flow.hinted() {
		return time.Time{}
	}
	var at time.Time
	sooner := func(t time.Time) {
		if t.After(now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	if s.Exists() {
		sooner(d.askAgain(deadline))
		sooner(deadline)
		sooner(d.graceUntil)
		sooner(d.fetchUntil(deadline))
		sooner(d.ridesUntil)
		if !d.insureSince.IsZero() {
			sooner(d.insureSince.Add(insureFor))
		}
		if d.askedVersion < d.flow.head {
			sooner(d.burstAt.Add(burstEvery))
		}
	} else {
		sooner(d.waitUntil)
	}
	if d.storing == 0 {
		sooner(d.storeAt)
	}
	if reminds {
		sooner(d.remindUntil)
	}
	if d.flow.hinted() {
		sooner(d.flow.hintUntil)
	}
	return at
}
