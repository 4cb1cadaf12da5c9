// Package clocks compares a process's wall clock with those of its peers, from
// the time that each of them says in its beats.
//
// A beat comes late by some unknown time and never early. So of the last beats
// of a peer the one that puts its clock furthest ahead was the fastest, and is
// taken. Of all peers the middle one counts: neither a peer with a wrong clock
// nor one that was stopped, and whose beats come late, moves it. Where an even
// number leaves two in the middle, the one nearer to the own clock is taken,
// so that a lone peer out of two does not overrule.
//
// Peers are compared with the monotonic clock, which never steps. So the
// comparison holds when the wall clock steps, at once, and goes on while all
// peers are silent, for as long as the two run alike.
package clocks

import (
	"slices"
	"time"
)

const (
	// Tolerance is by how much the own clock may differ from that of the
	// peers.
	Tolerance = 500 * time.Millisecond
	// keep is how many beats of a peer are looked at.
	keep = 8
	// fresh is how long a peer counts after its last beat.
	fresh = 5 * time.Second
	// holds is how long the last comparison counts where no peer is heard: the
	// two clocks drift apart by less than a tenth of Tolerance meanwhile.
	holds = 10 * time.Minute
	// maxPeers bounds the peers.
	maxPeers = 4096
)

// State is what is known of the own clock.
type State uint8

// What is known of the own clock.
const (
	// Unknown: there is nothing to compare it with.
	Unknown State = iota
	// Right: the peers have about the same time.
	Right
	// Wrong: the peers have another time.
	Wrong
)

// peer is one whose clock is compared.
type peer struct {
	incarnation int64
	// zeros are the peer's time at the estimator's beginning, by its last
	// beats; next is where the next one goes.
	zeros [keep]time.Duration
	next  int
	count int
	heard time.Time
	// votes: the peer is one to be believed.
	votes bool
}

// zero is the estimate of the peer's time at the beginning.
func (p *peer) zero() time.Duration { return slices.Max(p.zeros[:min(p.count, keep)]) }

// Estimator compares clocks. It is not safe for concurrent use. Instants, at,
// must be of time.Now, whose monotonic part is what is used of them.
type Estimator struct {
	// Static after construction.
	begun  time.Time
	quorum int
	enough int

	peers map[string]*peer
	// held is the last comparison, made at heldAt.
	held   time.Duration
	heldAt time.Time
	hold   bool
}

// New returns an estimator that begins at the instant begun. It takes at least
// quorum peers to find the own clock wrong, and enough beats of a peer before
// it may contradict: a single one may have been under way for long.
func New(begun time.Time, quorum, enough int) *Estimator {
	return &Estimator{begun: begun, quorum: quorum, enough: enough, peers: map[string]*peer{}}
}

// Beat notes that a peer said its wall clock shows theirs, in unix
// milliseconds. It was heard at the instant at. A peer that has no vote is
// looked at by Contradicts alone.
func (e *Estimator) Beat(name string, incarnation, theirs int64, votes bool, at time.Time) {
	if theirs <= 0 {
		return
	}
	p := e.peers[name]
	if p == nil || p.incarnation != incarnation {
		if p == nil && len(e.peers) >= maxPeers {
			return
		}
		p = &peer{incarnation: incarnation}
		e.peers[name] = p
	}
	p.zeros[p.next] = time.Duration(theirs)*time.Millisecond - at.Sub(e.begun)
	p.next = (p.next + 1) % keep
	p.count++
	p.heard, p.votes = at, votes
}

// Forget takes a peer out of the comparison.
func (e *Estimator) Forget(name string) { delete(e.peers, name) }

// Reading is what the peers' clocks say of the own one.
type Reading struct {
	State State
	// Ahead is by how much the own clock is ahead of the peers', negative
	// where it is behind. 0 while State is Unknown.
	Ahead time.Duration
	// Now is the peers' time. While State is Unknown it is the own one.
	Now time.Time
}

// Read compares wall, the own wall clock at the instant at, with the peers'.
func (e *Estimator) Read(wall, at time.Time) Reading {
	own := sinceEpoch(wall) - at.Sub(e.begun)
	zero, known := e.zero(own, at)
	if !known {
		return Reading{Now: wall}
	}
	ahead := own - zero
	r := Reading{State: Right, Ahead: ahead, Now: wall.Round(0).Add(-ahead)}
	if ahead.Abs() > Tolerance {
		r.State = Wrong
	}
	return r
}

// Contradicts reports whether the named peer's clock differs from that of the
// fleet, or from the own one where that is all there is.
func (e *Estimator) Contradicts(name string, wall, at time.Time) bool {
	p := e.peers[name]
	if p == nil || p.count < e.enough {
		return false
	}
	own := sinceEpoch(wall) - at.Sub(e.begun)
	zero, known := e.zero(own, at)
	return known && (p.zero()-zero).Abs() > Tolerance
}

// zero is the peers' time at the beginning: the middle one, the one held
// from before, or none.
func (e *Estimator) zero(own time.Duration, at time.Time) (time.Duration, bool) {
	zeros := e.voters(own, at)
	if len(zeros) == 0 {
		return e.held, e.hold && at.Sub(e.heldAt) < holds
	}
	slices.Sort(zeros)
	low, high := zeros[(len(zeros)-1)/2], zeros[len(zeros)/2]
	zero := low
	if (high - own).Abs() < (low - own).Abs() {
		zero = high
	}
	if (zero-own).Abs() > Tolerance && len(zeros) < e.quorum {
		return e.held, e.hold && at.Sub(e.heldAt) < holds
	}
	e.held, e.heldAt, e.hold = zero, at, true
	return zero, true
}

// voters are the estimates that count, and forgets peers that are long gone.
// One beat is enough to confirm the own clock: that it came late by just what
// the clocks differ is not to be expected.
func (e *Estimator) voters(own time.Duration, at time.Time) []time.Duration {
	zeros := make([]time.Duration, 0, len(e.peers))
	for name, p := range e.peers {
		silent := at.Sub(p.heard)
		if silent > holds {
			delete(e.peers, name)
			continue
		}
		zero := p.zero()
		if silent < fresh && p.votes && (p.count >= e.enough || (zero-own).Abs() <= Tolerance) {
			zeros = append(zeros, zero)
		}
	}
	return zeros
}

func sinceEpoch(t time.Time) time.Duration {
	return time.Duration(t.UnixMilli()) * time.Millisecond
}
