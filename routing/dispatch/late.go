package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// What reaches the table just after an event was settled is seen to here: a
// session, or a push token, that the event did not find.

// remindFor is how long a session that registered just after an event was
// settled is asked about it.
const remindFor = 5 * time.Second

// memories are what was settled not long ago.
func (p *Dispatcher) memories() [2]*recent { return [2]*recent{&p.recent, &p.heard} }

// remind tells a session that just registered of what was settled without
// its device.
func (p *Dispatcher) remind(c table.Change, now time.Time) {
	if p.leaving {
		return
	}
	for _, past := range p.memories() {
		for _, e := range past.users[c.Device.UserID] {
			if e.heardBy(c.Device.Device) {
				continue
			}
			f := p.flow(c.Device.UserID, e.kind)
			f.raise(e)
			d := p.delivery(f, c.Device.Device)
			d.remindUntil = now.Add(remindFor)
			p.counts.Reminded++
			p.drive(d, now)
			p.collect(f, now)
		}
	}
}

// endReminder ends the reminding of what was settled before, once the edge has it.
func (d *delivery) endReminder(s table.Session, now time.Time) {
	if d.remindUntil.IsZero() {
		return
	}
	head := d.flow.head
	if !s.Exists() || d.acked >= head || s == d.asked && d.answered >= head || !now.Before(d.remindUntil) {
		d.remindUntil = time.Time{}
	}
}

// RecordChanged takes in that a device's push token came or went.
func (p *Dispatcher) RecordChanged(id table.DeviceID, now time.Time) {
	came := p.table.Device(id).HasToken
	for _, f := range p.flows(id.UserID) {
		d := f.device(id.Device)
		if d == nil && came && f.whole {
			d = p.delivery(f, id.Device)
		}
		if d == nil {
			continue
		}
		if came {
			d.released[1] = 0 // for want of a token
			f.owe(f.push, d)
		}
		p.drive(d, now)
		p.collect(f, now)
	}
	if came && !p.leaving {
		p.owe(id, now)
	}
}

// owe sees to the pushes that were not made because the device's first token
// was on its way: a device may say Hello and be gone before its record is
// written. Their messages are acknowledged, so that nothing repeats this if
// the router dies.
func (p *Dispatcher) owe(id table.DeviceID, now time.Time) {
	for _, past := range p.memories() {
		for _, e := range past.users[id.UserID] {
			if e.push.version == 0 || e.heardBy(id.Device) {
				continue
			}
			f := p.flow(id.UserID, e.kind)
			f.raise(e)
			d := p.delivery(f, id.Device)
			f.owe(e.push, d)
			p.counts.Owed++
			d.graceUntil = now.Add(grace)
			p.drive(d, now)
			p.collect(f, now)
		}
	}
}

// owe holds the event that asked for w once more, for d alone: its message is
// acknowledged, and the other devices are settled for it.
func (f *flow) owe(w wish, d *delivery) {
	if w.version <= max(d.acked, d.stored) || f.same(w.version) != nil {
		return
	}
	h := &held{flow: f, Message: Message{
		Tenant: f.user.Tenant, User: f.user.User, Kind: f.kind, Version: w.version,
		At: w.at, Urgency: w.urgency, Push: true,
	}, done: true}
	if f.covered(h) {
		return
	}
	f.past.add(h.Version, h.At, h.Urgency)
	f.insert(h)
	for _, other := range f.devices {
		if other != d {
			other.released[1] = max(other.released[1], w.version)
		}
	}
}
