package push

import (
	"sync"
	"time"
)

const (
	pauseFirst = time.Minute
	pauseMax   = 15 * time.Minute
)

// appQueue is one application's way to its provider: bounded attempts, a bounded
// queue and a pause. Each application has its own, so that one that fails or
// hangs takes nothing from the others.
type appQueue struct {
	// Static after construction.
	key      AppKey
	provider Provider // nil if none is configured
	inFlight int
	maxQueue int

	// Guarded by mu.
	mu          sync.Mutex
	running     int
	queue       []func()
	pausedUntil time.Time
	pause       time.Duration // the last pause; grows while pauses follow one another
}

// admission is what became of work offered to a queue.
type admission int

const (
	admitRun admission = iota // the caller runs it on a new goroutine, then calls next
	admitQueued
	admitFull
)

// offer admits work. Queued work is run by those who call next.
func (q *appQueue) offer(work func()) admission {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.running < q.inFlight:
		q.running++
		return admitRun
	case len(q.queue) < q.maxQueue:
		q.queue = append(q.queue, work)
		return admitQueued
	default:
		return admitFull
	}
}

// next returns queued work for a goroutine that finished its own, or nil: the
// goroutine then ends.
func (q *appQueue) next() func() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.queue) == 0 {
		q.running--
		return nil
	}
	work := q.queue[0]
	q.queue[0] = nil
	q.queue = q.queue[1:]
	return work
}

// pausedFor returns how long the application still is paused, 0 if it is not.
func (q *appQueue) pausedFor(now time.Time) time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	return max(0, q.pausedUntil.Sub(now))
}

// pauseNow pauses the application for the time that the provider asked for, or for a
// growing time if it asked for none. first is false if it was paused already:
// attempts that were under way report the same trouble.
func (q *appQueue) pauseNow(now time.Time, asked time.Duration) (wait time.Duration, first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if left := q.pausedUntil.Sub(now); left > 0 {
		q.pausedUntil = now.Add(max(left, asked))
		return max(left, asked), false
	}
	wait = asked
	if wait <= 0 {
		q.pause = min(max(2*q.pause, pauseFirst), pauseMax)
		wait = q.pause
	}
	q.pausedUntil = now.Add(wait)
	return wait, true
}

// worked ends the row of pauses; it reports whether there was one.
func (q *appQueue) worked() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := !q.pausedUntil.IsZero()
	q.pause, q.pausedUntil = 0, time.Time{}
	return was
}
