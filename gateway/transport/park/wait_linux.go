package park

import (
	"net"
	"os"
	"sync"
	"time"
)

// waiter is what a socket has until it is parked: a way to wait.
type waiter struct {
	// Each has one place, never closed: what is there is enough of a signal.
	readable, writable chan struct{}

	writing sync.Mutex // held by who waits for what was written

	// Guarded by the socket's mu.
	readBy, writeBy time.Time
}

func newWaiter() *waiter {
	return &waiter{readable: make(chan struct{}, 1), writable: make(chan struct{}, 1)}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func (w *waiter) signalAll() {
	signal(w.readable)
	signal(w.writable)
}

// passed reports whether a deadline has. The zero one never does.
func passed(by time.Time) bool { return !by.IsZero() && !time.Now().Before(by) }

// await waits for a signal, or fails at the deadline. A signal may mean nothing.
func await(c chan struct{}, by time.Time) error {
	if by.IsZero() {
		<-c
		return nil
	}
	left := time.Until(by)
	if left <= 0 {
		return os.ErrDeadlineExceeded
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-c:
		return nil
	case <-timer.C:
		return os.ErrDeadlineExceeded
	}
}

// Drain waits until the system has taken what was written. It fails at the
// deadline of WriteBy. On a socket that is parked it does not wait.
func (s *Socket) Drain() error {
	s.mu.Lock()
	w := s.waiterLocked()
	s.mu.Unlock()
	if w == nil {
		return nil
	}
	w.writing.Lock()
	defer w.writing.Unlock()
	for {
		by, done, err := s.undrained(w)
		if done {
			return err
		}
		if err := await(w.writable, by); err != nil {
			return err
		}
	}
}

func (s *Socket) undrained(w *waiter) (by time.Time, done bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return by, true, net.ErrClosed
	case s.failedLocked() != nil:
		return by, true, s.failedLocked()
	case !s.queuedLocked() || s.waiterLocked() != w:
		return by, true, nil
	}
	return w.writeBy, false, nil
}
