package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// hintFor is how long what devices answered to a hint is kept for the message,
// which follows within some tens of milliseconds. It may go to another router.
const hintFor = time.Second

// Hint is an event of which it is known that the log has stored it, before the
// log delivers its message.
//
// There are none of strict kinds, whose jobs are stored before devices are
// told, nor of low urgency, which may wait for a better moment.
type Hint struct {
	Tenant, User, Kind string
	Version            int64
	Urgency            routing.Urgency
}

// Hint asks the live sessions of a user for an event that is stored, so that
// most devices have acknowledged it when its message comes. It settles nothing
// and repeats nothing: all promises are kept by Message, whether there was a
// hint or not. Where a tenant holds a lot already, hints are left out.
func (p *Dispatcher) Hint(h Hint, now time.Time) {
	id := table.UserID{Tenant: h.Tenant, User: h.User}
	past, heard := p.recent.get(id, h.Kind), p.heard.get(id, h.Kind)
	if p.leaving || past.reached(h.Version) || heard.reached(h.Version) {
		return
	}
	p.counts.Hints++
	f := p.find(id, h.Kind)
	if f != nil && h.Version <= f.head || 4*p.load(h.Tenant).weight() > p.part() {
		return
	}
	p.scratch = p.table.Devices(p.scratch[:0], id)
	for _, dev := range p.scratch {
		if !dev.Session.Exists() {
			continue
		}
		if f == nil {
			f = p.flow(id, h.Kind)
			f.raise(past)
		}
		p.delivery(f, dev.Name)
	}
	if f != nil {
		f.head, f.hintUntil, f.hintUrgency = h.Version, now.Add(hintFor), max(f.hintUrgency, h.Urgency)
		p.driveAll(f, now)
	}
}

// hinted reports whether a message is to come whose answers are kept.
func (f *flow) hinted() bool { return !f.hintUntil.IsZero() }

// endHint ends the wait for the message of the hint, which m may be.
func (f *flow) endHint(version int64) {
	if version >= f.head {
		f.forgetHint()
	}
}

func (f *flow) forgetHint() { f.hintUntil, f.hintUrgency = time.Time{}, routing.UrgencyUnset }

func (f *flow) expireHint(now time.Time) {
	if f.hinted() && !now.Before(f.hintUntil) {
		f.forgetHint()
	}
}

// reached reports whether something of at least that version was settled.
func (e *settled) reached(version int64) bool { return e != nil && version <= e.head }
