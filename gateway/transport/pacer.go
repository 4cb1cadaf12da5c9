package transport

import (
	"sync"
	"time"
)

// pacer spreads beginnings evenly, up to some at once.
type pacer struct {
	// Static after construction.
	every time.Duration
	burst time.Duration // what may come at once, as the time that it takes

	mu   sync.Mutex
	next time.Time // Guarded by mu: when the next one may begin.
}

func newPacer(perSecond, burst int) *pacer {
	every := time.Second / time.Duration(perSecond)
	return &pacer{every: every, burst: time.Duration(burst) * every}
}

// reserve is how long to wait before the next beginning.
func (p *pacer) reserve(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if early := now.Add(-p.burst); p.next.Before(early) {
		p.next = early
	}
	p.next = p.next.Add(p.every)
	return max(p.next.Sub(now), 0)
}
