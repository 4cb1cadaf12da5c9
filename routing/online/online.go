// Package online follows which devices of tenants that asked for it are
// online, and decides which changes their backends are told of, when, and by
// which router.
//
// A change is told once it has lasted for the tenant's debounce. Every router
// follows every device; of those that were complete before the change one is
// chosen by a hash of the device, and tells it. The others remember the change
// until they heard the chosen one again, and tell it in its place where they
// do not. So that a change may be told twice, in words that have one id; it is
// lost where no router was complete while it happened, or all died.
//
// It is a plain data structure: no I/O, no goroutine, no clock of its own. One
// goroutine owns it. A device that is online costs about 300 bytes.
package online

import (
	"container/heap"
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// maxHanded bounds the changes that are remembered for another router. What
// is beyond it is lost if that router dies within seconds, and counted.
const maxHanded = 1 << 16

// Change is what a backend is to be told.
type Change struct {
	Device table.DeviceID
	Online bool
	// Epoch of the session that began or ended, in unix milliseconds.
	Epoch int64
	// At is when it did, by this router's clock.
	At time.Time
}

// Tracker follows devices. See New.
type Tracker struct {
	// Static after construction.
	self     string
	debounce func(tenant string) time.Duration

	devices map[table.DeviceID]*device
	edges   map[edge]map[*device]struct{}
	current map[string]int64 // the edges' incarnations
	waiting queue
	handed  []handed
	routers map[string]*router
	healAt  time.Time

	// Unhealed counts changes that were not remembered for another router.
	Unhealed uint64
}

type edge struct {
	name        string
	incarnation int64
}

type device struct {
	id     table.DeviceID
	edge   edge
	epoch  int64
	online bool
	// told is what the backend believes.
	told bool
	// at is when online became other than told, due when that is told.
	at, due time.Time
	// look is when the queue looks at the device, where it is queued: no later
	// than due.
	look   time.Time
	queued bool
}

// handed is a change that another router tells.
type handed struct {
	Change
	by string
	// due is when it tells it.
	due time.Time
}

// New returns a tracker of the router self. debounce is a tenant's; 0: it does
// not want to be told.
func New(self string, debounce func(tenant string) time.Duration) *Tracker {
	return &Tracker{
		self: self, debounce: debounce, devices: make(map[table.DeviceID]*device),
		edges: make(map[edge]map[*device]struct{}), current: make(map[string]int64), routers: make(map[string]*router),
	}
}

// Began tells of a device's session, a new one or one that is known. What is
// heard before this router is complete was there before, for all it knows.
func (t *Tracker) Began(id table.DeviceID, edgeName string, incarnation, epoch int64, now time.Time) {
	wait := t.debounce(id.Tenant)
	if wait == 0 {
		return
	}
	t.Edge(edgeName, incarnation, now)
	d := t.devices[id]
	if d == nil {
		d = &device{id: id.Clone(), told: !t.complete()}
		t.devices[d.id] = d
	}
	t.move(d, edge{edgeName, incarnation})
	d.epoch = epoch
	t.set(d, true, wait, now)
}

// Ended tells that a device has no session any more.
func (t *Tracker) Ended(id table.DeviceID, now time.Time) {
	if d := t.devices[id]; d != nil {
		t.end(d, now)
	}
}

// Edge tells of an edge's incarnation: devices of an earlier one are gone.
func (t *Tracker) Edge(name string, incarnation int64, now time.Time) {
	if was, ok := t.current[name]; ok && was < incarnation {
		t.EdgeLost(name, now)
	}
	t.current[name] = incarnation
}

// EdgeLost tells that an edge is gone with its devices.
func (t *Tracker) EdgeLost(name string, now time.Time) {
	e := edge{name, t.current[name]}
	delete(t.current, name)
	for d := range t.edges[e] {
		t.end(d, now)
	}
}

func (t *Tracker) end(d *device, now time.Time) {
	t.move(d, edge{})
	if !t.complete() {
		d.told = false // who was complete tells it
	}
	t.set(d, false, t.debounce(d.id.Tenant), now)
}

// move files the device under its edge.
func (t *Tracker) move(d *device, to edge) {
	if d.edge == to {
		return
	}
	if on := t.edges[d.edge]; on != nil {
		delete(on, d)
		if len(on) == 0 {
			delete(t.edges, d.edge)
		}
	}
	d.edge = to
	if to == (edge{}) {
		return
	}
	if t.edges[to] == nil {
		t.edges[to] = make(map[*device]struct{})
	}
	t.edges[to][d] = struct{}{}
}

func (t *Tracker) set(d *device, online bool, wait time.Duration, now time.Time) {
	changed := d.online != online
	d.online = online
	switch {
	case online == d.told:
		d.due = time.Time{} // it came back in time
		t.tidy(d)
	case changed || d.due.IsZero():
		d.at, d.due = now, now.Add(wait)
		t.queue(d)
	}
}

func (t *Tracker) queue(d *device) {
	if !d.queued {
		d.queued, d.look = true, d.due
		heap.Push(&t.waiting, d)
	}
}

// tidy forgets a device of which there is nothing to say.
func (t *Tracker) tidy(d *device) {
	if !d.online && !d.told && !d.queued {
		delete(t.devices, d.id)
	}
}

// Due returns up to limit changes that this router tells now.
func (t *Tracker) Due(now time.Time, limit int) []Change {
	out := t.heal(now)
	for len(out) < limit && len(t.waiting) > 0 && !t.waiting[0].look.After(now) {
		d := heap.Pop(&t.waiting).(*device)
		d.queued = false
		switch {
		case d.online == d.told:
		case d.due.After(now): // it changed to and fro
			t.queue(d)
			continue
		default:
			d.told = d.online
			out = t.tell(out, Change{d.id, d.online, d.epoch, d.at}, d.due, now)
		}
		t.tidy(d)
	}
	return out
}

// tell appends the change where this router is to tell it.
func (t *Tracker) tell(out []Change, c Change, due, now time.Time) []Change {
	by := t.teller(c, now)
	switch {
	case by == t.self:
		return append(out, c)
	case by == "":
	case len(t.handed) >= maxHanded:
		t.Unhealed++
	default:
		t.handed = append(t.handed, handed{c, by, due})
	}
	return out
}

// queue is a heap of devices by when they are looked at.
type queue []*device

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].look.Before(q[j].look) }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }

// Push implements heap.Interface.
func (q *queue) Push(x any) { *q = append(*q, x.(*device)) }

// Pop implements heap.Interface.
func (q *queue) Pop() any {
	last := len(*q) - 1
	d := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return d
}
