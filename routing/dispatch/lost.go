package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// The devices of a lost edge, or of a whole site, are likely to come back by
// themselves within moments. Their pushes wait for that; and those that stay
// away are pushed one after the other, for there may be a million of them.
//
// An urgent event waits no longer than for a device that is connected, and
// queues behind nobody. A router that takes an event over, and never knew the
// lost edge's sessions, has no reason to wait: the push role asks before it
// sends, and may ask one that has.

// lostPacedFor is for how long after the wait the pushes of a lost edge's
// devices are paced: then the rush is over.
const lostPacedFor = time.Minute

// pace hands out places in time.
type pace struct {
	// Static after construction.
	every time.Duration

	next time.Time
}

func newPace(perSecond int) pace { return pace{every: time.Second / time.Duration(perSecond)} }

// reserve returns when the next place is, now at the earliest.
func (p *pace) reserve(now time.Time) time.Time {
	at := p.next
	if at.Before(now) {
		at = now
	}
	p.next = at.Add(p.every)
	return at
}

// comesBack returns until when a device without a session is not to be pushed,
// because its connection just ended, or the edge that had it was just lost; the
// zero time where there is no reason to wait.
func (p *Dispatcher) comesBack(d *delivery, dev table.Device, deadline, now time.Time) time.Time {
	if d.flow.hurried() || !p.canStore(d, dev) {
		return time.Time{}
	}
	_, urgency := d.flow.newestPush(max(d.acked, d.stored))
	if dev.Lost.At.IsZero() {
		return earlier(p.closed.until(d.id(), urgency), deadline)
	}
	until := dev.Lost.At.Add(p.cfg.LostWait)
	if urgency == routing.UrgencyHigh {
		return earlier(until, deadline)
	}
	if now.Before(until) {
		return until
	}
	if d.slot.IsZero() && now.Sub(until) < lostPacedFor {
		d.slot = p.pace.reserve(now)
	}
	return d.slot
}

// mayComeBack reports whether a device without a session is waited for.
func (p *Dispatcher) mayComeBack(id table.DeviceID, dev table.Device, u routing.Urgency, now time.Time) bool {
	if dev.Lost.At.IsZero() {
		return now.Before(p.closed.until(id, u))
	}
	return now.Before(dev.Lost.At.Add(p.cfg.LostWait))
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
