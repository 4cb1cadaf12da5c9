// Package breaker keeps calls away from a service that does not answer, so
// that callers hear at once what they would otherwise wait for.
//
// A breaker is closed while calls go well. After some failures in a row it
// opens: calls are refused, for a time that doubles from failure to failure.
// Then one call at a time is let through as a probe; the first that is
// answered closes the breaker.
package breaker

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Outcome is what a call shows of the service.
type Outcome int

// The outcomes.
const (
	// Unknown: nothing, such as when the caller gave up early.
	Unknown Outcome = iota
	// Alive: the service answered, whatever it said.
	Alive
	// Failed: it did not.
	Failed
)

// Config of a Breaker.
type Config struct {
	// Failures in a row that open it. 0: 5.
	Failures int
	// Rest is how long calls are refused after it opened for the first time,
	// MaxRest the longest. Up to a quarter is added at random, so that those
	// who call the same service do not probe it at once. 0: 1 s and 10 s.
	Rest, MaxRest time.Duration
	// OnChange, if not nil, is told when the breaker opens and closes. A
	// probe that fails is no change. It runs on a caller's goroutine and must
	// not block.
	OnChange func(open bool)
}

// Breaker watches one service. It may be used by many goroutines.
type Breaker struct {
	// Static after construction.
	cfg Config

	mu sync.Mutex
	// Guarded by mu.
	failures int           // in a row
	rest     time.Duration // 0: closed
	until    time.Time     // end of the rest
	probing  bool
	// period grows with each change, so that a call which began before it does
	// not count after it.
	period uint64
}

// Permit is one call's.
type Permit struct {
	period uint64
	probe  bool
}

// New returns a closed breaker.
func New(cfg Config) *Breaker {
	if cfg.Failures == 0 {
		cfg.Failures = 5
	}
	if cfg.Rest == 0 {
		cfg.Rest = time.Second
	}
	if cfg.MaxRest == 0 {
		cfg.MaxRest = 10 * time.Second
	}
	if cfg.OnChange == nil {
		cfg.OnChange = func(bool) {}
	}
	return &Breaker{cfg: cfg}
}

// Allow says whether a call may be made. If so, Done must follow with the
// permit; if not, wait is when to ask again, above 0.
func (b *Breaker) Allow() (p Permit, wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.rest == 0:
		return Permit{period: b.period}, 0, true
	case b.probing:
		return Permit{}, b.rest, false
	}
	if wait = time.Until(b.until); wait > 0 {
		return Permit{}, wait, false
	}
	b.probing = true
	return Permit{period: b.period, probe: true}, 0, true
}

// Done ends a call.
func (b *Breaker) Done(p Permit, o Outcome) {
	if open, changed := b.done(p, o); changed {
		b.cfg.OnChange(open)
	}
}

func (b *Breaker) done(p Permit, o Outcome) (open, changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.period != b.period {
		return false, false
	}
	if p.probe {
		b.probing = false
	}
	switch {
	case o == Alive:
		b.failures = 0
		changed = b.rest != 0
		if changed {
			b.rest = 0
			b.period++
		}
		return false, changed
	case o == Failed:
		b.failures++
		changed = b.rest == 0
		if p.probe || b.failures >= b.cfg.Failures {
			b.openLocked()
			return true, changed
		}
	}
	return false, false
}

func (b *Breaker) openLocked() {
	b.rest = min(max(2*b.rest, b.cfg.Rest), b.cfg.MaxRest)
	b.until = time.Now().Add(b.rest + rand.N(b.rest/4+1))
	b.period++
}

// Open reports whether calls are refused, but for probes.
func (b *Breaker) Open() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.rest != 0
}
