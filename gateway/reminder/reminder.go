// Package reminder keeps what is tried again every moment, and fails, from
// filling the log.
package reminder

import (
	"sync"
	"time"
)

// every is how often the log repeats what is still wrong.
const every = time.Minute

// A Reminder says when a line of the log is due: at once, and then every minute.
// The zero value is ready. Its methods may be called from any number of
// goroutines.
type Reminder struct {
	mu     sync.Mutex
	saidAt time.Time // zero: no line told of the trouble. Guarded by mu.
}

// Due reports whether it is time for a line, and counts it as written.
func (r *Reminder) Due(now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.saidAt.IsZero() && now.Sub(r.saidAt) < every {
		return false
	}
	r.saidAt = now
	return true
}

// Over ends the trouble, so that the next is told at once, and reports whether a
// line had told of it.
func (r *Reminder) Over() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	told := !r.saidAt.IsZero()
	r.saidAt = time.Time{}
	return told
}
