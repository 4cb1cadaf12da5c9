package push

import (
	"sync"
	"time"
)

const (
	pauseFirst = time.Minute
	pauseMax   = 15 * time.Minute
)

// lane is one application's way to its provider: bounded attempts, a bounded
// queue and a pause. Each application has its own, so that one that fails or
// hangs takes nothing from the others.
type lane struct {
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

// admission is what became of work offered to a lane.
type admission int

const (
	admitRun admission = iota // the caller runs it on a new goroutine, then calls next
	admitQueued
	admitFull
)

// offer admits work. Queued work is run by those who call next.
func (l *lane) offer(work func()) admission {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.running < l.inFlight:
		l.running++
		return admitRun
	case len(l.queue) < l.maxQueue:
		l.queue = append(l.queue, work)
		return admitQueued
	default:
		return admitFull
	}
}

// next returns queued work for a goroutine that finished its own, or nil: the
// goroutine then ends.
func (l *lane) next() func() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		l.running--
		return nil
	}
	work := l.queue[0]
	l.queue[0] = nil
	l.queue = l.queue[1:]
	return work
}

// pausedFor returns how long the lane still is paused, 0 if it is not.
func (l *lane) pausedFor(now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, l.pausedUntil.Sub(now))
}

// pauseNow pauses the lane for the time that the provider asked for, or for a
// growing time if it asked for none. first is false if it was paused already:
// attempts that were under way report the same trouble.
func (l *lane) pauseNow(now time.Time, asked time.Duration) (wait time.Duration, first bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if left := l.pausedUntil.Sub(now); left > 0 {
		l.pausedUntil = now.Add(max(left, asked))
		return max(left, asked), false
	}
	wait = asked
	if wait <= 0 {
		l.pause = min(max(2*l.pause, pauseFirst), pauseMax)
		wait = l.pause
	}
	l.pausedUntil = now.Add(wait)
	return wait, true
}

// worked ends the row of pauses; it reports whether there was one.
func (l *lane) worked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := !l.pausedUntil.IsZero()
	l.pause, l.pausedUntil = 0, time.Time{}
	return was
}
