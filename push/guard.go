package push

import (
	"hash/maphash"
	"sync"
	"time"
)

// Removal says who decides that an application's rejected tokens go.
type Removal int

const (
	// RemovalGuarded: the guard, by what the push service answers for other
	// devices.
	RemovalGuarded Removal = iota
	// RemovalTrusted: the push service alone. For an operator who knows that
	// most tokens are dead indeed.
	RemovalTrusted
	// RemovalNever: none goes.
	RemovalNever
)

const (
	// guardSample is how many devices, those tried last, a guard looks at, and
	// guardWindow how old what it knows of them may be.
	guardSample = 512
	guardWindow = time.Hour

	// proofGone and proofSuspect are how many other devices must have taken a
	// push since the token was marked.
	proofGone    = 1
	proofSuspect = 10

	// freezeMin devices must be rejected before it is called a storm, or
	// freezeMinSilent where not one was reached.
	freezeMin       = 20
	freezeMinSilent = 5
)

// guard keeps an application's tokens from what is not their fault: a wrong
// environment, topic or project, and a push service that has lost its mind, look
// just as if each of the tokens were bad. It knows how the devices fared that
// were tried last, each device once, and lets tokens go only where pushes to
// others arrive. It knows nothing of before the process began: what it has not
// seen arrive counts as not arriving.
type guard struct {
	// Static after construction.
	mode Removal
	seed maphash.Seed

	// Guarded by mu.
	mu     sync.Mutex
	ring   []fate // at most guardSample
	oldest int    // of a full ring
	slots  map[uint64]int
	frozen bool
}

// fate is how a device fared when it was tried last.
type fate struct {
	device uint64 // hash of its token
	at     time.Time
	what   rejection
}

// rejection is what an answer said of a token.
type rejection uint8

const (
	accepted rejection = iota
	gone
	suspect
)

func newGuard(mode Removal) *guard {
	return &guard{mode: mode, seed: maphash.MakeSeed(), slots: map[uint64]int{}}
}

// saw notes how a device fared. changed says that the application is frozen
// now and was not, or the other way round.
func (g *guard) saw(token string, what rejection, now time.Time) (changed, frozen bool, c counts) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.noteLocked(fate{maphash.String(g.seed, token), now, what})
	if what == accepted && !g.frozen {
		return false, false, counts{}
	}
	c = g.countLocked(now, time.Time{})
	was := g.frozen
	if was {
		g.frozen = !c.calm()
	} else {
		g.frozen = c.storm()
	}
	return g.frozen != was, g.frozen, c
}

// mayMark reports whether a token that was rejected now is to be marked: pushes
// to other devices arrive.
func (g *guard) mayMark(now time.Time) bool {
	return g.may(func() bool { return g.countLocked(now, time.Time{}).accepted > 0 })
}

// mayRemove reports whether a token that was marked then and is rejected now
// may go.
func (g *guard) mayRemove(what rejection, marked, now time.Time) bool {
	return g.may(func() bool {
		all, since := g.countLocked(now, time.Time{}), g.countLocked(now, marked)
		if what == gone {
			return since.accepted >= proofGone && !all.manyRejected()
		}
		return since.accepted >= proofSuspect && !all.manySuspects() && !all.manyRejected()
	})
}

// may decides as the mode says. Where the guard decides, it looks at the proof,
// with the lock held, and lets nothing happen in a storm.
func (g *guard) may(proofLocked func() bool) bool {
	switch g.mode {
	case RemovalTrusted:
		return true
	case RemovalNever:
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.frozen && proofLocked()
}

func (g *guard) isFrozen() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.frozen
}

func (g *guard) noteLocked(f fate) {
	if i, ok := g.slots[f.device]; ok {
		g.ring[i] = f
		return
	}
	if len(g.ring) < guardSample {
		g.slots[f.device] = len(g.ring)
		g.ring = append(g.ring, f)
		return
	}
	delete(g.slots, g.ring[g.oldest].device)
	g.ring[g.oldest] = f
	g.slots[f.device] = g.oldest
	g.oldest = (g.oldest + 1) % guardSample
}

func (g *guard) countLocked(now, since time.Time) (c counts) {
	if from := now.Add(-guardWindow); since.Before(from) {
		since = from
	}
	for _, f := range g.ring {
		if f.at.Before(since) {
			continue
		}
		switch f.what {
		case accepted:
			c.accepted++
		case gone:
			c.gone++
		default:
			c.suspects++
		}
	}
	return c
}

// counts is how many devices fared how.
type counts struct{ accepted, gone, suspects int }

func (c counts) tried() int    { return c.accepted + c.gone + c.suspects }
func (c counts) rejected() int { return c.gone + c.suspects }

// manySuspects: above a fifth it is not the devices that are wrong.
func (c counts) manySuspects() bool { return 5*c.suspects > c.tried() }

// manyRejected: that half of an application's devices are gone, who did not
// hear of it one by one, is not believed without an operator.
func (c counts) manyRejected() bool { return 2*c.rejected() > c.tried() }

func (c counts) storm() bool {
	if c.accepted == 0 {
		return c.rejected() >= freezeMinSilent
	}
	return c.rejected() >= freezeMin && (c.manySuspects() || c.manyRejected())
}

// calm needs half of what makes a storm, so that one does not end and begin
// with every answer.
func (c counts) calm() bool {
	return c.accepted > 0 && 10*c.suspects <= c.tried() && 4*c.rejected() <= c.tried()
}
