package pushqueue

import (
	"sync"
	"time"
)

// remindEvery is how often the log repeats what is still wrong.
const remindEvery = time.Minute

// A reminder keeps what is tried again every moment from filling the log. The
// zero value is ready.
type reminder struct{ saidAt time.Time }

// due reports whether it is time for a line.
func (r *reminder) due(now time.Time) bool {
	if !r.saidAt.IsZero() && now.Sub(r.saidAt) < remindEvery {
		return false
	}
	r.saidAt = now
	return true
}

// over ends the trouble and reports whether a line had told of it.
func (r *reminder) over() bool {
	said := !r.saidAt.IsZero()
	r.saidAt = time.Time{}
	return said
}

// A sharedReminder is a reminder for any number of goroutines.
type sharedReminder struct {
	mu sync.Mutex
	r  reminder
}

func (s *sharedReminder) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.r.due(now)
}
