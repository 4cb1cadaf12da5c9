package pushqueue

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// The times of a roster. What matters is their order: a worker takes itself out
// well before the others do so.
const (
	// beatEvery is the pause between two beats.
	beatEvery = 500 * time.Millisecond
	// listenFor is how long a worker listens before it takes part: all others
	// have sent a beat by then.
	listenFor = 700 * time.Millisecond
	// outAfter is how long a worker takes part after the last of its beats that
	// came back was sent.
	outAfter = 3 * time.Second
	// silentAfter is how long it counts on another one that says nothing.
	silentAfter = 5 * time.Second
	// holdFor is how long it takes no jobs after devices may have become its
	// own: a push of the worker that had them reaches its provider meanwhile.
	holdFor = time.Second
)

// A roster is what a push worker knows of the workers that share its queue. Of
// those that take part each device has one, which all find out by themselves:
// two jobs of a device are never in the hands of two workers.
//
// A worker that stood still or was cut off for a while knows by its own clock,
// before it hears anything, that its devices may be another's by now.
//
// It has no goroutine, no clock and no connection; times are those since the
// worker began.
type roster struct {
	// Static after construction.
	me          string
	incarnation uint64

	mu sync.Mutex
	// Guarded by mu.
	others map[string]other
	// echoed is when the newest of this worker's beats that came back was sent,
	// since when they have come back without a long pause.
	echoed, since time.Duration
	began         bool // a beat came back
	left          bool
	// part is set while its beats say that it takes part, which they do since
	// partSince.
	part      bool
	partSince time.Duration
	// odd is set while another one counts on somebody whom this worker does not
	// hear, which began at oddSince; aside while this worker takes no part for
	// that, since asideSince.
	odd, aside           bool
	oddSince, asideSince time.Duration
	// gate is until when no jobs are taken, quiet until when none are sent
	// either, because somebody may have come unheard.
	gate, quiet time.Duration
}

// other is another worker that takes part.
type other struct {
	heard time.Duration
	// countsOn are the others that it counts on, in order.
	countsOn []string
}

func newRoster(me string, incarnation uint64) *roster {
	return &roster{me: me, incarnation: incarnation, others: map[string]other{}}
}

// hear takes a beat. It reports false for one that another process sends under
// this worker's name.
func (r *roster) hear(from string, b *linkpb.PushBeat, now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case from == r.me && b.GetIncarnation() != r.incarnation:
		return false
	case from == r.me:
		if !r.inLocked(now) {
			r.since = now
		}
		r.echoed, r.began = max(r.echoed, time.Duration(b.GetSentNs())), true
	case !b.GetTakesPart():
		r.dropLocked(from, now)
	default:
		before, known := r.others[from]
		if known && !slices.Contains(before.countsOn, r.me) && slices.Contains(b.GetHears(), r.me) {
			r.gate = max(r.gate, now+holdFor) // it had devices of this worker's until now
		}
		r.others[from] = other{heard: now, countsOn: b.GetHears()}
	}
	return true
}

// sweep forgets who has been silent for long.
func (r *roster) sweep(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, o := range r.others {
		if now-o.heard > silentAfter {
			r.dropLocked(name, now)
		}
	}
}

// dropLocked forgets a worker, whose devices become others'.
func (r *roster) dropLocked(name string, now time.Duration) {
	if _, known := r.others[name]; known {
		delete(r.others, name)
		r.gate = max(r.gate, now+holdFor)
	}
}

// missed is told when this worker may not have heard a beat of everybody.
func (r *roster) missed(now time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.quiet = now + listenFor
}

// leave ends this worker's part.
func (r *roster) leave() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left = true
}

// beat is what this worker says of itself.
func (r *roster) beat(now time.Duration) *linkpb.PushBeat {
	r.mu.Lock()
	defer r.mu.Unlock()
	part := r.inLocked(now) && now-r.since >= listenFor && !r.asideLocked(now)
	if part && !r.part {
		r.partSince = now
	}
	r.part = part
	b := &linkpb.PushBeat{Incarnation: r.incarnation, SentNs: int64(now), TakesPart: part}
	b.Hears = r.namesLocked()
	return b
}

// inLocked reports whether this worker hears what is said.
func (r *roster) inLocked(now time.Duration) bool {
	return r.began && !r.left && now-r.echoed <= outAfter
}

// takesPartLocked reports whether the others were told that it takes part.
func (r *roster) takesPartLocked(now time.Duration) bool {
	return r.inLocked(now) && r.part && r.echoed >= r.partSince
}

// agreedLocked reports whether all that take part know of one another, this
// worker included, as far as they have said.
func (r *roster) agreedLocked(now time.Duration) bool {
	if !r.takesPartLocked(now) || now < r.quiet {
		return false
	}
	all := append(r.namesLocked(), r.me)
	for name, o := range r.others {
		for _, n := range all {
			if n != name && !slices.Contains(o.countsOn, n) {
				return false
			}
		}
		if len(o.countsOn) != len(all)-1 {
			return false
		}
	}
	return true
}

// names are the others that this worker counts on.
func (r *roster) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.namesLocked()
}

func (r *roster) namesLocked() []string { return slices.Sorted(maps.Keys(r.others)) }

// takesJobs reports whether this worker may take jobs of its devices now.
func (r *roster) takesJobs(now time.Duration) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.agreedLocked(now) && now >= r.gate
}

// mine reports whether a job's device is this worker's.
func (r *roster) mine(j Job, now time.Duration) bool {
	return r.owner(j, now) == r.me
}

// owner names the worker that has a job's device: of all that take part the one
// whose name fits best, so that a worker that comes or goes moves no devices
// but its own. It is empty where this worker cannot tell.
func (r *roster) owner(j Job, now time.Duration) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.agreedLocked(now) {
		return ""
	}
	best, most := r.me, fit(r.me, j)
	for name := range r.others {
		if f := fit(name, j); f > most || f == most && name > best {
			best, most = name, f
		}
	}
	return best
}

// size is how many workers take part, this one included; 0 where it does not.
func (r *roster) size(now time.Duration) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.takesPartLocked(now) {
		return 0
	}
	return 1 + len(r.others)
}

// fit is how well a worker fits a job's device. It must not change: workers of
// two releases would both have a device.
func fit(worker string, j Job) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for _, s := range [...]string{j.Tenant, j.User, j.Device, worker} {
		for i := range len(s) {
			h = (h ^ uint64(s[i])) * prime
		}
		h = (h ^ '.') * prime
	}
	// Names differ in their last letter, which FNV leaves in the low bits.
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
