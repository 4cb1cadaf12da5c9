package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// grace is how long a session that is asked late is given before its
	// device is pushed: after a redelivery another router may have asked
	// before, and a device that just connected is likely to be fetching.
	grace = time.Second
	// fetchFor is how much longer than its patience a device is waited for that
	// is fetching: it is alive, and its backend may be slow.
	fetchFor = 10 * time.Second
	// rideFor is for how long, since the oldest event, news that are not urgent
	// may wait for the next beat of a device whose radio is slow, and
	// rideSlack what it has to acknowledge them after that.
	rideFor   = 5 * time.Minute
	rideSlack = 15 * time.Second
	// giveBack is how long an edge that lives, but answers nothing, is asked
	// for a device without a push before another router shall try.
	giveBack = 30 * time.Second
)

// decide gives up waiting where it is time to.
func (p *Dispatcher) decide(d *delivery, dev table.Device, deadline, now time.Time) {
	since, _ := d.patience()
	switch {
	case !dev.Session.Exists():
		if d.waitUntil = p.comesBack(d, dev, deadline, now); !now.Before(d.waitUntil) {
			p.reachAway(d, dev, now)
		}
	case d.flow.hurried():
		p.hurry(d, dev, now)
	case now.Before(d.graceUntil), now.Before(d.fetchUntil(deadline)), now.Before(d.rideUntil(since)) && !p.outran(d, now):
	case !now.Before(deadline):
		p.missed(d, dev, deadline, now)
	case dev.Doubtful:
		p.reachSlow(d, dev, now)
	case dev.Background && dev.HasToken, dev.HasToken && p.outran(d, now):
		p.store(d, now)
	}
}

// fetchUntil is until when a device is waited for because it was fetching when
// it was last asked: its edge says so again with each answer.
func (d *delivery) fetchUntil(deadline time.Time) time.Time {
	return earlier(d.fetchedAt.Add(2*reask), deadline.Add(fetchFor))
}

// rideUntil is until when a device is waited for whose edge waits for it.
func (d *delivery) rideUntil(since time.Time) time.Time {
	if d.urgency() != routing.UrgencyLow {
		return time.Time{}
	}
	return earlier(d.ridesUntil, since.Add(rideFor))
}

// endRide ends the wait for the device's next frame where something comes that
// does not wait for it. The device hears of everything only now, and has the
// patience of that to acknowledge it.
func (d *delivery) endRide(since, now time.Time) {
	u := d.urgency()
	if u == routing.UrgencyLow || !now.Before(earlier(d.ridesUntil, since.Add(rideFor))) {
		return
	}
	d.ridesUntil, d.graceUntil = time.Time{}, now.Add(u.Patience())
}

// missed deals with a session that let the patience pass.
func (p *Dispatcher) missed(d *delivery, dev table.Device, deadline, now time.Time) {
	if !dev.Doubtful {
		p.table.SetDoubtful(dev.Session, true)
		p.counts.Doubtful++
	}
	p.reachSlow(d, dev, now)
	if now.Sub(deadline) > giveBack && p.mute(d, dev, giveBack, now) {
		p.giveBack(d.flow, p.out.Nak)
	}
}

// hurry settles what has no time left: the push role waits for the device in
// the router's place. An edge that answers nothing must not keep the place.
func (p *Dispatcher) hurry(d *delivery, dev table.Device, now time.Time) {
	p.reachSlow(d, dev, now)
	if p.mute(d, dev, 2*reask, now) {
		p.giveBack(d.flow, p.out.Defer)
	}
}

// mute reports whether a device that no push can be stored for is not even
// known to its edge after all the asking.
func (p *Dispatcher) mute(d *delivery, dev table.Device, after time.Duration, now time.Time) bool {
	return d.answered < d.flow.head && now.Sub(d.askSince) > after && d.open() && d.storing == 0 && !p.canStore(d, dev)
}

// canStore reports whether a push job is, or will be, what settles d.
func (p *Dispatcher) canStore(d *delivery, dev table.Device) bool {
	h, _ := d.flow.newestPush(max(d.acked, d.stored))
	return dev.HasToken && h != nil
}

// reachSlow pushes a device whose session does not acknowledge. Without a
// push the notify stays with its session, once the edge says that it is
// there.
func (p *Dispatcher) reachSlow(d *delivery, dev table.Device, now time.Time) {
	if dev.HasToken {
		p.store(d, now)
	}
	if d.answered >= d.flow.head {
		d.letGo(dev.HasToken)
	}
}

// reachAway pushes a device without a session. Without a token its next
// Hello finds the head.
func (p *Dispatcher) reachAway(d *delivery, dev table.Device, now time.Time) {
	if d.away < d.flow.head {
		d.away = d.flow.head
		p.counts.Away++
		p.out.Away(d.id(), d.flow.kind, d.flow.head)
	}
	if dev.HasToken {
		p.store(d, now)
	}
	d.letGo(dev.HasToken)
}

// letGo settles what no push is to be made for.
func (d *delivery) letGo(hasToken bool) {
	d.released[0] = d.flow.head
	if !hasToken {
		d.released[1] = d.flow.head
	}
}
