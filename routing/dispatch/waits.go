package dispatch

import (
	"slices"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// A push job that is stored may have to wait for its time. The device may come
// back meanwhile, fetch, and be gone again when the time has come: nothing would
// tell the push role then that nobody needs the push. So who had it stored asks
// the device as soon as it is there, and has the job removed once the device has
// acknowledged. A router that dies takes what it remembers along, which costs
// such a device a push that tells it nothing.

// maxWaits bounds the jobs that are remembered; of more the oldest are
// forgotten.
const maxWaits = 65_536

// waits are the stored jobs that wait for their time.
type waits struct {
	jobs map[table.DeviceID][]waiting
	// queue has them in the order of storing; what was replaced or removed
	// stands in it until its turn.
	queue []queued
}

type waiting struct {
	kind    string
	version int64
	until   time.Time
}

type queued struct {
	device table.DeviceID
	waiting
}

func newWaits() waits { return waits{jobs: make(map[table.DeviceID][]waiting)} }

func (w *waits) add(id table.DeviceID, j waiting) {
	w.remove(id, j.kind, j.version)
	w.jobs[id] = append(w.jobs[id], j)
	w.queue = append(w.queue, queued{id, j})
	for len(w.queue) > maxWaits {
		w.pop()
	}
}

// remove forgets the job of a kind, where it is of no newer version, and reports
// whether there was one.
func (w *waits) remove(id table.DeviceID, kind string, version int64) bool {
	was := w.jobs[id]
	left := slices.DeleteFunc(was, func(j waiting) bool { return j.kind == kind && j.version <= version })
	switch {
	case len(left) == len(was):
		return false
	case len(left) == 0:
		delete(w.jobs, id)
	default:
		w.jobs[id] = left
	}
	return true
}

func (w *waits) pop() {
	x := w.queue[0]
	w.queue[0] = queued{}
	w.queue = w.queue[1:]
	w.remove(x.device, x.kind, x.version)
}

// expire forgets those whose time has come. The lengths of windows differ, so
// that some are forgotten later than they might.
func (w *waits) expire(now time.Time) {
	for len(w.queue) > 0 && !now.Before(w.queue[0].until) {
		w.pop()
	}
}

// Waits tells that a job was stored that is not pushed before a time. The device
// is asked, now and when it registers, until it has acknowledged.
func (p *Dispatcher) Waits(j Job, until time.Time) {
	if p.leaving {
		return
	}
	p.waits.add(j.Device, waiting{j.Kind, j.Version, until})
	p.askWaiting(j.Device, p.table.Device(j.Device).Session)
}

// askWaiting asks a session for what waits for its device.
func (p *Dispatcher) askWaiting(id table.DeviceID, s table.Session) {
	if !s.Exists() {
		return
	}
	for _, j := range p.waits.jobs[id] {
		p.counts.Notifies++
		p.out.Notify(s, j.kind, j.version, routing.UrgencyLow)
	}
}

// heardWaiting has the job removed that a device's acknowledgement covers.
func (p *Dispatcher) heardWaiting(id table.DeviceID, kind string, acked int64) {
	for _, j := range p.waits.jobs[id] {
		if j.kind == kind && j.version <= acked {
			p.waits.remove(id, kind, j.version)
			p.counts.Unneeded++
			p.out.Remove(id, kind, j.version)
			return
		}
	}
}
