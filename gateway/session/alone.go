package session

import (
	"sync"
	"time"
)

// alone says whether one goroutine can write what it brings by itself: where it
// is more, writers on all processors are sooner done.
type alone struct {
	mu sync.Mutex
	// Guarded by mu.
	window time.Duration // since the server started
	used   int           // in it
}

// At most aloneShare sessions in an aloneWindow: half of what a goroutine
// writes in that time.
const (
	aloneShare  = 32
	aloneWindow = time.Millisecond
)

func (a *alone) may(now time.Duration) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if now >= a.window+aloneWindow || now < a.window {
		a.window, a.used = now, 0
	}
	a.used++
	return a.used <= aloneShare
}
