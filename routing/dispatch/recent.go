package dispatch

import (
	"slices"
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

// recent remembers for a while which users' kinds were settled. A device that
// was away, or not known at all, may be registering at that very moment; when
// its registration arrives it is told.
type recent struct {
	// Static after construction.
	limit int
	keep  time.Duration

	users map[table.UserID][]*settled
	// queue is ordered by time; an entry that was renewed stands in it again.
	queue []renewal
	size  int
}

// settled is one user's kind in recent.
type settled struct {
	kind           string
	head, pushHead int64
	// push is the newest event that asked for a push, by are the devices that
	// acknowledged the head.
	push wish
	by   []string
	// storeAt is the flow's.
	storeAt time.Time
	// queued is how often the entry stands in the queue.
	queued int
}

type renewal struct {
	user  table.UserID
	entry *settled
	at    time.Time
}

func newRecent(limit int, keep time.Duration) recent {
	return recent{limit: limit, keep: keep, users: make(map[table.UserID][]*settled)}
}

// covers reports whether m is no newer than what was settled: as much or more
// was said to every device.
func (e *settled) covers(m Message) bool {
	if e == nil {
		return false
	}
	if m.Push {
		return m.Version <= e.pushHead
	}
	return m.Version <= e.head
}

// heardBy reports whether the device acknowledged what was settled.
func (e *settled) heardBy(device string) bool { return slices.Contains(e.by, device) }

func (r *recent) get(id table.UserID, kind string) *settled {
	for _, e := range r.users[id] {
		if e.kind == kind {
			return e
		}
	}
	return nil
}

// put remembers a flow, and up to which version a push was seen to. It
// returns how many others had to be forgotten early.
func (r *recent) put(f *flow, pushHead int64, now time.Time) (evicted uint64) {
	e := r.get(f.user, f.kind)
	if e == nil {
		e = &settled{kind: f.kind}
		r.users[f.user] = append(r.users[f.user], e)
		r.size++
	}
	if f.head >= e.head {
		e.by = f.acknowledgers()
	}
	e.storeAt = f.storeAt
	if f.push.version > e.push.version {
		e.push = f.push
	}
	e.head, e.pushHead = max(e.head, f.head), max(e.pushHead, pushHead)
	e.queued++
	r.queue = append(r.queue, renewal{f.user, e, now})
	for r.size > r.limit || len(r.queue) > 2*r.limit {
		evicted += r.pop()
	}
	return evicted
}

func (r *recent) expire(now time.Time) {
	for len(r.queue) > 0 && now.Sub(r.queue[0].at) > r.keep {
		r.pop()
	}
}

// pop takes the oldest renewal out and forgets its entry, unless it was
// renewed since.
func (r *recent) pop() (forgotten uint64) {
	x := r.queue[0]
	r.queue[0] = renewal{}
	r.queue = r.queue[1:]
	if x.entry.queued--; x.entry.queued > 0 {
		return 0
	}
	r.size--
	left := slices.DeleteFunc(r.users[x.user], func(e *settled) bool { return e == x.entry })
	if r.users[x.user] = left; len(left) == 0 {
		delete(r.users, x.user)
	}
	return 1
}
