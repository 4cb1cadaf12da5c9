package pushtest

import (
	"context"
	"time"
)

// Pace is how long a service takes over a request. A nil function takes no time.
type Pace struct {
	// Accept is the time until the service decides on a request. A client that
	// is gone by then has sent nothing.
	Accept func() time.Duration
	// Answer is how long the answer of an accepted push is on its way. A client
	// that is gone by then does not know that it was accepted.
	Answer func() time.Duration
}

// SetPace makes requests take their time.
func (s *script) SetPace(p Pace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pace = p
}

// Flight counts requests by what the service had done with them.
type Flight struct {
	// Undecided ones were read, Unanswered ones accepted as well.
	Undecided, Unanswered int
}

// All is how many there are.
func (f Flight) All() int { return f.Undecided + f.Unanswered }

// Since is what was added to an earlier count.
func (f Flight) Since(before Flight) Flight {
	return Flight{f.Undecided - before.Undecided, f.Unanswered - before.Unanswered}
}

// InFlight returns the requests that are under way now.
func (s *script) InFlight() Flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flying
}

// Lost returns the requests whose clients were gone before they had an answer,
// since the start.
func (s *script) Lost() Flight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lost
}

// decide waits for as long as the service takes to decide. It returns an error
// if the request or the simulator ended meanwhile.
func (s *script) decide(ctx context.Context, closing <-chan struct{}) error {
	return s.take(ctx, closing, func(p Pace) func() time.Duration { return p.Accept }, func(f *Flight) *int { return &f.Undecided })
}

// linger is decide for the answer's way back.
func (s *script) linger(ctx context.Context, closing <-chan struct{}) error {
	return s.take(ctx, closing, func(p Pace) func() time.Duration { return p.Answer }, func(f *Flight) *int { return &f.Unanswered })
}

func (s *script) take(ctx context.Context, closing <-chan struct{}, pace func(Pace) func() time.Duration, count func(*Flight) *int) error {
	s.mu.Lock()
	delay := pace(s.pace)
	*count(&s.flying)++
	s.mu.Unlock()
	var err error
	if delay != nil {
		err = wait(ctx, closing, delay())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	*count(&s.flying)--
	if err != nil {
		*count(&s.lost)++
	}
	return err
}

// wait lets time pass unless the request or the simulator ends.
func wait(ctx context.Context, closing <-chan struct{}, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-closing:
		return context.Canceled
	case <-ctx.Done():
		return ctx.Err()
	}
}
