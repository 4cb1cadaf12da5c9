package edgelink

import (
	"math/rand/v2"
	"slices"
	"time"
)

// router is what is known of one router process.
type router struct {
	incarnation int64
	// seen is when it last beat, or asked for a dump.
	seen time.Time
	// heard is when anything came from it.
	heard    time.Time
	complete bool
	// site is where it stands.
	site string
	// dumping: it asked for a dump, so it is about to take work.
	dumping bool
	// echoed is the number of the last batch that it echoed.
	echoed uint64
}

// presence is the set of routers. It does no I/O; the link's mu guards it.
type presence struct {
	routers map[string]*router
	ttl     time.Duration
}

func newPresence(ttl time.Duration) presence {
	return presence{routers: map[string]*router{}, ttl: ttl}
}

func (p *presence) here(r *router, now time.Time) bool { return now.Sub(r.seen) < p.ttl }

// at returns the router's record, a new one for a new incarnation; nil where
// the incarnation is over or there are too many routers.
func (p *presence) at(name string, incarnation int64, now time.Time) *router {
	r := p.routers[name]
	switch {
	case r != nil && r.incarnation == incarnation:
		r.heard = now
		return r
	case r != nil && incarnation < r.incarnation && p.here(r, now):
		return nil
	case r == nil && len(p.routers) >= maxRouters:
		return nil
	}
	r = &router{incarnation: incarnation, heard: now}
	p.routers[name] = r
	return r
}

// beat reports whether the router became complete by it: as far as the edge
// knows, it dispatched without the edge's sessions until now.
func (p *presence) beat(name string, incarnation int64, complete bool, now time.Time) (became bool) {
	r := p.at(name, incarnation, now)
	if r == nil {
		return false
	}
	was := r.complete && p.here(r, now)
	r.seen, r.complete = now, complete
	return complete && !was
}

// asks notes a router that asked for a dump. It counts from then on, before
// the dump is made: nothing is verified without it.
func (p *presence) asks(name string, incarnation int64, now time.Time) bool {
	r := p.at(name, incarnation, now)
	if r == nil {
		return false
	}
	r.seen, r.dumping = now, true
	return true
}

// echo notes that the router applied all batches up to seq. An echo alone
// does not make it present.
func (p *presence) echo(name string, incarnation int64, seq uint64, now time.Time) {
	if r := p.at(name, incarnation, now); r != nil {
		r.echoed = max(r.echoed, seq)
	}
}

func (p *presence) leave(name string, incarnation int64) {
	if r := p.routers[name]; r != nil && r.incarnation <= incarnation {
		delete(p.routers, name)
	}
}

// expire forgets silent routers and returns how many are complete.
func (p *presence) expire(now time.Time) (complete int) {
	for name, r := range p.routers {
		switch {
		case now.Sub(r.heard) >= p.ttl:
			delete(p.routers, name)
		case r.complete && p.here(r, now):
			complete++
		}
	}
	return complete
}

// complete reports whether the named router is, as far as it said.
func (p *presence) complete(name string) bool {
	r := p.routers[name]
	return r != nil && r.complete
}

// stands notes where a router stands.
func (p *presence) stands(name string, incarnation int64, site string) {
	if r := p.routers[name]; r != nil && r.incarnation == incarnation {
		r.site = site
	}
}

// fresh names a router that is complete and beat a moment ago, at random: one
// of the site if there is any, and besides only if there is no other. Empty:
// there is none.
func (p *presence) fresh(site, besides string, within time.Duration, now time.Time) string {
	best, rank, n := "", 0, 0
	for name, r := range p.routers {
		if !r.complete || now.Sub(r.seen) >= within {
			continue
		}
		this := 1
		if name != besides {
			this += 2
		}
		if r.site == site {
			this++
		}
		switch {
		case this > rank:
			best, rank, n = name, this, 1
		case this == rank:
			if n++; rand.IntN(n) == 0 {
				best = name
			}
		}
	}
	return best
}

func (p *presence) clear() { clear(p.routers) }

// any reports whether a router, complete or not, was heard of a moment ago.
func (p *presence) any(now time.Time, within time.Duration) bool {
	for _, r := range p.routers {
		if now.Sub(r.heard) < within {
			return true
		}
	}
	return false
}

// counts reports whether sessions wait for the router's echo.
func (p *presence) counts(r *router, now time.Time) bool {
	return p.here(r, now) && (r.complete || r.dumping)
}

// behind names the routers that have not echoed seq.
func (p *presence) behind(seq uint64, now time.Time) []string {
	names := []string{}
	for name, r := range p.routers {
		if p.counts(r, now) && r.echoed < seq {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// echoed returns the number of the last batch that every router that counts
// has echoed. ok is false while there is no complete router: nobody could be
// asked for heads.
func (p *presence) echoed(now time.Time) (seq uint64, ok bool) {
	seq = ^uint64(0)
	for _, r := range p.routers {
		if !p.counts(r, now) {
			continue
		}
		seq = min(seq, r.echoed)
		ok = ok || r.complete
	}
	return seq, ok
}
