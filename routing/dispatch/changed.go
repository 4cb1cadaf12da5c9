package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

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
