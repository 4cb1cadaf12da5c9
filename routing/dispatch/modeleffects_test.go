package dispatch

import (
	"errors"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// mEffects is one process's connection to its surroundings.
type mEffects struct {
	r   *mRouter
	inc int64
}

func (x *mEffects) Notify(s table.Session, kind string, version int64, _ routing.Urgency) {
	name, inc := s.Edge()
	for _, e := range x.r.w.edges {
		if e.name == name {
			x.r.w.send(func() { e.onNotify(x.r, inc, s.Conn, kind, version) })
		}
	}
}

func (x *mEffects) Away(table.DeviceID, string, int64) {}

var errStore = errors.New("not stored")

func (x *mEffects) Store(j Job) {
	w := x.r.w
	fails, silent := !w.quiet && w.chance(5), w.chance(2)
	w.at(w.ms(1, 400), func() {
		var err error
		if fails {
			err = errStore
		}
		if key := j.Device.User + j.Device.Device + j.Kind; !fails || silent {
			w.jobs[key] = max(w.jobs[key], j.Version)
			if w.onJob != nil {
				w.onJob(j)
			}
		}
		x.r.when(x.inc, func() {
			x.r.d.Stored(j, err, w.now)
			if err == nil && j.Urgency == routing.UrgencyLow && j.NotBefore.IsZero() {
				x.r.d.Waits(j, w.now.Add(w.ms(1000, 60000)))
			}
		})
	})
}

// Remove takes a job out that its device is said not to need.
func (x *mEffects) Remove(d table.DeviceID, kind string, version int64) {
	w := x.r.w
	w.at(w.ms(1, 400), func() {
		if key := d.User + d.Device + kind; w.jobs[key] <= version {
			delete(w.jobs, key)
		}
	})
}

func (x *mEffects) Ack(receipt any) {
	m := receipt.(*logged)
	x.r.w.send(func() { x.r.w.ack(m) })
}

func (x *mEffects) Nak(receipt any) {
	m := receipt.(*logged)
	x.r.w.send(func() {
		if m.owner == x.r {
			m.owner = nil
		}
	})
}

func (x *mEffects) Defer(receipt any) {
	m := receipt.(*logged)
	x.r.w.at(x.r.w.ms(1000, 2000), func() {
		if m.owner == x.r {
			m.owner = nil
		}
	})
}

func (x *mEffects) Progress(receipt any) {
	m := receipt.(*logged)
	x.r.w.send(func() {
		if m.owner == x.r {
			m.deadline = x.r.w.now.Add(modelAckWait)
		}
	})
}

func (x *mEffects) Checked(uint64, linkpb.CheckResponse_State) {}
