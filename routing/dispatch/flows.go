package dispatch

import (
	"slices"
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// find returns the user's open flow of a kind, or nil.
func (p *Dispatcher) find(id table.UserID, kind string) *flow {
	u := p.users[id]
	if u == nil {
		return nil
	}
	for _, f := range u.flows {
		if f.kind == kind {
			return f
		}
	}
	return nil
}

// flow returns the user's flow of a kind, made when there is none.
func (p *Dispatcher) flow(id table.UserID, kind string) *flow {
	if f := p.find(id, kind); f != nil {
		return f
	}
	u := p.users[id]
	if u == nil {
		u = &user{}
		p.users[id] = u
	}
	f := &flow{user: id, kind: kind}
	u.flows = append(u.flows, f)
	return f
}

// flows returns a copy of the user's open flows, which may retire while the
// caller works on them.
func (p *Dispatcher) flows(id table.UserID) []*flow {
	if u := p.users[id]; u != nil {
		return slices.Clone(u.flows)
	}
	return nil
}

// delivery returns the device's delivery in f, made when there is none.
func (p *Dispatcher) delivery(f *flow, device string) *delivery {
	if d := f.device(device); d != nil {
		return d
	}
	d := &delivery{flow: f, device: device, timer: -1, storeAt: f.storeAt}
	f.devices = append(f.devices, d)
	p.devices++
	p.load(f.user.Tenant).devices++
	return d
}

func (p *Dispatcher) driveAll(f *flow, now time.Time) {
	for _, d := range f.devices {
		p.drive(d, now)
	}
	p.collect(f, now)
}

// collect acknowledges the messages that every device settles, and ends the
// flow when none is left.
func (p *Dispatcher) collect(f *flow, now time.Time) {
	if f.retired {
		return
	}
	kept := f.held[:0]
	for _, h := range f.held {
		if f.settles(h) {
			p.count(f, h)
			p.release(h)
			f.passed = 0
		} else {
			kept = append(kept, h)
		}
	}
	clear(f.held[len(kept):])
	f.held = kept
	if len(f.held) == 0 && !f.reminds() && !f.hinted() {
		p.retire(f, now)
	}
}

func (f *flow) settles(h *held) bool {
	for _, d := range f.devices {
		if d.settles(h) == open {
			return false
		}
	}
	return true
}

func (f *flow) reminds() bool {
	return slices.ContainsFunc(f.devices, func(d *delivery) bool { return !d.remindUntil.IsZero() })
}

// retire ends a flow. It is remembered for a while: a device that it did not
// count may be connecting at this moment, by way of a batch that is not here
// yet.
func (p *Dispatcher) retire(f *flow, now time.Time) {
	f.head = f.logged // what was only hinted at is not settled
	switch {
	case !f.whole:
	case len(f.devices) > 0 && len(f.acknowledgers()) == len(f.devices):
		p.counts.RecentEvicted += p.heard.put(f, f.head, now)
	default:
		p.counts.RecentEvicted += p.recent.put(f, f.push.version, now)
	}
	p.close(f)
}

// acknowledgers returns the devices that acknowledged the head.
func (f *flow) acknowledgers() []string {
	var names []string
	for _, d := range f.devices {
		if d.acked >= f.head {
			names = append(names, d.device)
		}
	}
	return names
}

func (p *Dispatcher) close(f *flow) {
	f.retired = true
	for _, d := range f.devices {
		p.timers.remove(d)
	}
	p.devices -= len(f.devices)
	p.load(f.user.Tenant).devices -= len(f.devices)
	u := p.users[f.user]
	u.flows = slices.DeleteFunc(u.flows, func(x *flow) bool { return x == f })
	if len(u.flows) == 0 {
		delete(p.users, f.user)
	}
}

// giveBack returns a flow's messages to the log: another router may reach
// what this one does not.
func (p *Dispatcher) giveBack(f *flow, by func(receipt any)) {
	for _, h := range f.held {
		p.counts.GivenBack++
		p.returned(h, by)
	}
	f.held = nil
	p.close(f)
}
