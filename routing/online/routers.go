package online

import (
	"hash/fnv"
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// silence is how long a router may say nothing before it is taken for
	// dead: three beats.
	silence = 3 * time.Second
	// settle is how much longer than a change a router must have been complete
	// to be chosen: the others may have heard of it a beat later.
	settle = 2 * time.Second
	// proof is how long after a change was due its teller must have been heard
	// for it to count as told.
	proof = time.Second
	// healEvery is how often the changes of other routers are looked at.
	healEvery = 500 * time.Millisecond
)

// router is one that beats.
type router struct {
	incarnation int64
	complete    bool
	// since is when it became complete, heard when it last beat.
	since, heard time.Time
}

// Router tells of a router's beat, this one's own too.
func (t *Tracker) Router(name string, incarnation int64, complete bool, now time.Time) {
	r := t.routers[name]
	if r == nil || r.incarnation < incarnation {
		r = &router{incarnation: incarnation}
		t.routers[name] = r
	}
	if r.incarnation > incarnation {
		return
	}
	if complete && !r.complete {
		r.since = now
	}
	r.complete, r.heard = complete, now
}

// Left tells that a router leaves.
func (t *Tracker) Left(name string) { delete(t.routers, name) }

func (t *Tracker) complete() bool {
	r := t.routers[t.self]
	return r != nil && r.complete
}

func (t *Tracker) alive(r *router, now time.Time) bool {
	return r != nil && (now.Sub(r.heard) < silence || r == t.routers[t.self])
}

// First reports whether this router acts for a device on what each router
// heard by itself: whether of those that are complete none weighs more. This
// one is taken for complete. Where the routers know different things of one
// another more than one may act; the one that weighs most of all always does.
func (t *Tracker) First(id table.DeviceID, now time.Time) bool {
	own := weigh(t.self, Change{Device: id})
	for name, r := range t.routers {
		if name != t.self && r.complete && t.alive(r, now) && weigh(name, Change{Device: id}) > own {
			return false
		}
	}
	return true
}

// teller chooses the router that tells a change, out of those that were
// complete when it happened; if there is none, out of those that are now.
func (t *Tracker) teller(c Change, now time.Time) string {
	var best, late string
	var most, mostLate uint64
	for name, r := range t.routers {
		if !r.complete || !t.alive(r, now) {
			continue
		}
		n := weigh(name, c)
		if n >= mostLate {
			late, mostLate = name, n
		}
		if !r.since.After(c.At.Add(-settle)) && n >= most {
			best, most = name, n
		}
	}
	if best == "" {
		return late
	}
	return best
}

func weigh(router string, c Change) uint64 {
	h := fnv.New64a()
	for _, s := range [...]string{router, c.Device.Tenant, c.Device.User, c.Device.Device} {
		_, _ = h.Write([]byte(s)) // never fails
		_, _ = h.Write([]byte{0})
	}
	// The last bytes reach only the low bits of FNV.
	x := h.Sum64()
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	return x ^ x>>33
}

// heal returns what died with the router that was to tell it.
func (t *Tracker) heal(now time.Time) []Change {
	if len(t.handed) == 0 || now.Before(t.healAt) {
		return nil
	}
	t.healAt = now.Add(healEvery)
	var out []Change
	waiting := t.handed
	t.handed = nil
	for _, h := range waiting {
		r := t.routers[h.by]
		switch {
		case r != nil && r.heard.After(h.due.Add(proof)):
		case t.alive(r, now):
			t.handed = append(t.handed, h)
		default:
			out = t.tell(out, h.Change, now, now)
		}
	}
	return out
}
