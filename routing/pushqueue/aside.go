package pushqueue

import "time"

// asideAfter is for how long another one may count on somebody whom a worker
// has not heard for silentAfter, before that worker stands aside: who died is
// forgotten by all within a second.
const asideAfter = 4 * time.Second

// asideLocked reports whether this worker takes no part although it hears
// others. Where the network is cut between two workers and a third one hears
// both, no set of workers is agreed on, and nobody would take jobs: so the one
// whose name comes later stands aside, as if it had left. Where only that one is
// heard by the other, it does not know, and the other one stands aside later.
func (r *roster) asideLocked(now time.Duration) bool {
	after, odd := r.unheardLocked()
	if odd && !r.odd {
		r.oddSince = now
	}
	r.odd = odd
	switch {
	case odd && !r.aside && now-r.oddSince >= after:
		r.aside, r.asideSince = true, now
	case !odd && now-r.asideSince >= silentAfter: // by then all have heard of it
		r.aside = false
	}
	return r.aside
}

// unheardLocked reports whether somebody counts on a worker that this one does
// not hear, and how long this one waits before it stands aside.
func (r *roster) unheardLocked() (after time.Duration, odd bool) {
	after = 2 * asideAfter
	for _, o := range r.others {
		for _, n := range o.countsOn {
			if _, heard := r.others[n]; heard || n == r.me {
				continue
			}
			odd = true
			if n < r.me {
				after = asideAfter
			}
		}
	}
	return after, odd
}
