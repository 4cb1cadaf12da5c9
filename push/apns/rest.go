package apns

import (
	"sync"
	"time"
)

const (
	restFirst = time.Minute
	restMax   = 15 * time.Minute
)

// rest is a time in which nothing is sent with a key: Apple saw too many
// provider tokens of it. That is no fault of a device or an application, and
// every further request would make it worse.
type rest struct {
	// Guarded by mu.
	mu    sync.Mutex
	until time.Time
	last  time.Duration // grows while rests follow one another
}

// left returns for how long nothing may be sent.
func (r *rest) left(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return max(0, r.until.Sub(now))
}

// begin starts a rest, of at least the time that Apple asked for, and returns
// its length. Requests that were under way report the same trouble: they change
// nothing.
func (r *rest) begin(now time.Time, asked time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	if left := r.until.Sub(now); left > 0 {
		return left
	}
	r.last = min(max(2*r.last, restFirst), restMax)
	wait := max(asked, r.last) // who waits for it adds the jitter
	r.until = now.Add(wait)
	return wait
}

// over ends the row of rests: Apple accepted a message.
func (r *rest) over() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = 0
}
