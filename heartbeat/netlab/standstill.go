package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// errStoodStill is of a run whose outcome says nothing: what is stopped for too
// long misses a beat, as if its network had forgotten it.
var errStoodStill = errors.New("the machine stopped a process of this lab for too long, run it again where that does not happen")

const (
	// mostStill is for how long a process may be stopped: a phone that answers a
	// probe later is taken for one behind a NAT that has forgotten.
	mostStill = 6500 * time.Millisecond
	// pulse is how often it is looked whether that has happened. Both are of
	// heartbeats' time.
	pulse = time.Second
)

// A standstill is the longest time for which the machine stopped one of the
// run's processes.
type standstill struct {
	// Static.
	allowed time.Duration
	say     func(format string, args ...any)

	longest atomic.Int64
}

// note takes one into account, whosever it is.
func (s *standstill) note(whose string, still time.Duration) {
	for {
		longest := s.longest.Load()
		if int64(still) <= longest {
			return
		}
		if s.longest.CompareAndSwap(longest, int64(still)) {
			break
		}
	}
	if still > s.allowed {
		s.say("the machine stopped %s for %.2f s", whose, still.Seconds())
	}
}

// judge is what a fault means: after a standstill, nothing.
func (s *standstill) judge(fault error) error {
	if still := time.Duration(s.longest.Load()); fault != nil && still > s.allowed {
		return fmt.Errorf("%w: %.2f s, of at most %v: %w", errStoodStill, still.Seconds(), s.allowed, fault)
	}
	return fault
}

// feel has beat done again and again until ctx ends, and tells each time by how
// much longer that took than the pause before it.
func feel(ctx context.Context, every time.Duration, beat func(), late func(time.Duration)) {
	for last := time.Now(); sleep.For(ctx, every); last = time.Now() {
		beat()
		late(time.Since(last) - every)
	}
}
