package push

import (
	"sync"
	"time"
)

// seldom paces a line of the log that would otherwise come with every job.
type seldom struct {
	// Static after construction.
	every time.Duration

	// Guarded by mu.
	mu   sync.Mutex
	next time.Time
}

// due reports whether the line is to be written now.
func (s *seldom) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now.Before(s.next) {
		return false
	}
	s.next = now.Add(s.every)
	return true
}
