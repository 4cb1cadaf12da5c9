package push

import (
	"container/heap"
	"time"
)

// key is what one push is about: jobs of one key become one push.
type key struct{ tenant, user, device, kind string }

func (j Job) key() key { return key{j.Tenant, j.User, j.Device, j.Kind} }

// held is a job that waits for more of its key.
type held struct {
	key      key
	job      Job
	delivery Delivery
	due      time.Time
	index    int // in the heap; -1 while parked or taken
	// app is the device's application, empty until its record was read.
	app string
}

// gatherer holds one job a key until it is due. A key whose earlier job is
// still being worked on is parked: it becomes due when that ends. It has no
// goroutine, no clock and no lock of its own.
type gatherer struct {
	byKey map[key]*held
	queue dueQueue
	busy  map[key]bool
}

func newGatherer() *gatherer {
	return &gatherer{byKey: map[key]*held{}, busy: map[key]bool{}}
}

func (g *gatherer) size() int { return len(g.byKey) }

// has reports whether a job of this key is held, so that one more of it needs
// no room.
func (g *gatherer) has(k key) bool { return g.byKey[k] != nil }

// add takes a job. If one of its key is held already the two become one: the
// newest content, the highest urgency, the oldest event, the earlier due time.
// The delivery of the newer one stays. add returns the other one, nil if there
// was none, and whether it stood for an older version.
func (g *gatherer) add(job Job, d Delivery, due time.Time) (replaced Delivery, older bool) {
	k := job.key()
	h := g.byKey[k]
	if h == nil {
		h = &held{key: k, job: job, delivery: d, due: due, index: -1}
		g.byKey[k] = h
		heap.Push(&g.queue, h)
		return nil, false
	}
	if job.Version < h.job.Version {
		replaced, older = d, true
	} else {
		replaced, older = h.delivery, h.job.Version < job.Version
		h.delivery = d
	}
	h.job = merge(h.job, job)
	if due.Before(h.due) && h.index >= 0 {
		h.due = due
		heap.Fix(&g.queue, h.index)
	}
	return replaced, older
}

// merge joins two jobs of one key.
func merge(a, b Job) Job {
	out := b
	if a.Version > b.Version {
		out = a
	}
	out.Urgency = max(a.Urgency, b.Urgency)
	out.EventAt, out.LatestAt = a.EventAt, a.latest()
	if b.EventAt.Before(a.EventAt) {
		out.EventAt = b.EventAt
	}
	if b.latest().After(out.LatestAt) {
		out.LatestAt = b.latest()
	}
	return out
}

// take returns a job that is due, marking its key busy, or nil.
func (g *gatherer) take(now time.Time) *held {
	for len(g.queue) > 0 && !g.queue[0].due.After(now) {
		h := heap.Pop(&g.queue).(*held)
		if g.busy[h.key] {
			continue // parked
		}
		delete(g.byKey, h.key)
		g.busy[h.key] = true
		return h
	}
	return nil
}

// finished ends the work on a key. A job that was parked meanwhile is due at
// once.
func (g *gatherer) finished(k key, now time.Time) {
	delete(g.busy, k)
	if h := g.byKey[k]; h != nil && h.index < 0 {
		h.due = now
		heap.Push(&g.queue, h)
	}
}

// next returns when the next job is due; ok is false if none waits.
func (g *gatherer) next() (due time.Time, ok bool) {
	if len(g.queue) == 0 {
		return time.Time{}, false
	}
	return g.queue[0].due, true
}

// drain empties the gatherer and returns what it held.
func (g *gatherer) drain() []*held {
	all := make([]*held, 0, len(g.byKey))
	for _, h := range g.byKey {
		all = append(all, h)
	}
	clear(g.byKey)
	g.queue = nil
	return all
}

// dueQueue is a heap of held jobs by due time.
type dueQueue []*held

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *dueQueue) Push(x any) {
	h := x.(*held)
	h.index = len(*q)
	*q = append(*q, h)
}

func (q *dueQueue) Pop() any {
	old := *q
	h := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	h.index = -1
	return h
}
