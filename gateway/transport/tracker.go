package transport

import (
	"context"
	"sync"
)

// slots bounds how many handshakes are under way.
type slots struct {
	// Static after construction.
	limit int

	mu   sync.Mutex
	used int // Guarded by mu.
}

func (s *slots) tryAcquire() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used >= s.limit {
		return false
	}
	s.used++
	return true
}

func (s *slots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used--
}

// crowded reports whether more than half of the slots are taken.
func (s *slots) crowded() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used*2 > s.limit
}

// tracker counts a listener's open connections and, once the listener is
// closed and the last of them is gone, releases what they shared.
type tracker struct {
	// Static after construction.
	release func()        // called once
	gone    chan struct{} // closed after release returned

	mu     sync.Mutex
	open   int  // Guarded by mu.
	ending bool // Guarded by mu: no add comes any more.
}

func newTracker(release func()) *tracker {
	return &tracker{release: release, gone: make(chan struct{})}
}

// count is how many connections are open.
func (t *tracker) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.open
}

func (t *tracker) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
}

func (t *tracker) done() {
	t.mu.Lock()
	t.open--
	last := t.ending && t.open == 0
	t.mu.Unlock()
	if last {
		t.finish()
	}
}

// end says that no add comes any more. It is called once.
func (t *tracker) end() {
	t.mu.Lock()
	t.ending = true
	last := t.open == 0
	t.mu.Unlock()
	if last {
		t.finish()
	}
}

func (t *tracker) finish() {
	t.release()
	close(t.gone)
}

func (t *tracker) wait(ctx context.Context) error {
	select {
	case <-t.gone:
		return nil
	default:
	}
	select {
	case <-t.gone:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
