package push

import (
	"math/rand/v2"
	"time"
)

const (
	// breakAfter failures in a row, of a connection or of the service, open a
	// breaker. A refusal of the application opens it at once.
	breakAfter = 5
	// lineMax bounds the waits before another try where no answer came. It is
	// short: an attempt costs nobody anything, and pushes must flow again within
	// 12 s of the service's return.
	lineMax = 5 * time.Second
	// lineLeast is the least wait after such an attempt has ended.
	lineLeast = 250 * time.Millisecond
	// troubleFirst is the wait after a service's trouble, and refusedFirst that
	// after a refusal, where it asked for no other; longMax bounds both.
	troubleFirst = 30 * time.Second
	refusedFirst = time.Minute
	longMax      = 15 * time.Minute
)

// breakerState is what an application's breaker lets through.
type breakerState int

const (
	// breakerClosed: everything.
	breakerClosed breakerState = iota
	// breakerHalfOpen: one attempt at a time, which decides.
	breakerHalfOpen
	// breakerOpen: nothing, for a time.
	breakerOpen
)

// breaker stops the attempts of an application that fail in a row, and finds
// out by single ones when they work again. It has no clock and no lock.
type breaker struct {
	state breakerState
	// cause and reason are of the last failure, while it is not closed.
	cause  Cause
	reason string
	// row counts the failures since the last success, while closed.
	row int
	// times counts how often it opened in a row.
	times   int
	until   time.Time // open
	probing bool      // half open: the one attempt is under way
	began   time.Time // the one attempt
}

// allows reports whether an attempt may begin, and whether it is the one that
// decides. wait is when to ask again; 0: when an attempt has ended.
func (b *breaker) allows(now time.Time) (ok, probe bool, wait time.Duration) {
	if b.state == breakerOpen {
		if wait = b.until.Sub(now); wait > 0 {
			return false, false, wait
		}
		b.state = breakerHalfOpen
	}
	if b.state == breakerClosed {
		return true, false, 0
	}
	if b.probing {
		return false, false, 0
	}
	b.probing, b.began = true, now
	return true, true, 0
}

// left returns for how long nothing is let through.
func (b *breaker) left(now time.Time) time.Duration {
	if b.state != breakerOpen {
		return 0
	}
	return max(0, b.until.Sub(now))
}

// report takes an attempt's result and says what it changed. Attempts that began
// before the breaker opened decide nothing any more.
func (b *breaker) report(now time.Time, r Result, probe bool) (opened, closed bool) {
	if b.state != breakerClosed && !probe {
		return false, false
	}
	cause := r.trouble()
	if cause == OfMessage || cause == OfQuota { // it is there, and answers
		closed = b.state != breakerClosed
		*b = breaker{}
		return false, closed
	}
	if b.state == breakerClosed && cause != OfApp {
		if b.row++; b.row < breakAfter {
			return false, false
		}
	}
	opened = b.state == breakerClosed
	b.open(now, cause, r.After)
	b.reason = r.Reason
	if probe && cause == OfLine {
		// The wait includes the attempt's own time: a service that is back is
		// found within lineMax, whether it was silent or could not be reached.
		b.until = later(b.until.Add(b.began.Sub(now)), now.Add(spread(lineLeast)))
	}
	return opened, false
}

// renew has the next attempt made now, which decides.
func (b *breaker) renew() { *b = breaker{state: breakerHalfOpen, cause: b.cause, reason: b.reason} }

// abandoned tells that the deciding attempt was not made: its push was not
// needed any more. The next one decides.
func (b *breaker) abandoned() { b.probing = false }

func (b *breaker) open(now time.Time, cause Cause, asked time.Duration) {
	b.state, b.cause, b.probing, b.row = breakerOpen, cause, false, 0
	b.until = now.Add(openFor(cause, asked, b.times))
	b.times++
}

// openFor is full jitter, above what the service asks for or its documentation
// does.
func openFor(cause Cause, asked time.Duration, before int) time.Duration {
	first := asked
	switch {
	case cause == OfLine:
		return backoff(before, lineMax)
	case first > 0:
	case cause == OfService:
		first = troubleFirst
	default:
		first = refusedFirst
	}
	most := first
	for ; before > 0 && most < longMax; before-- {
		most *= 2
	}
	return first + rand.N(max(min(most, longMax)-first, first/4)+time.Millisecond)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
