package router

import "time"

// A process may be stopped for a while: by SIGSTOP, by a machine that moves.
// When it goes on, what it holds was delivered to another router, what waits
// in its sockets is old, and its table knows nothing of those who connected
// meanwhile. It must settle nothing by what it knew.

// caughtUpWithin bounds the wait for dumps after a stop: an edge that does not
// answer must not keep the router from working for the others.
const caughtUpWithin = 10 * time.Second

// now is the loop's clock, read before each thing is taken in: it notices that
// the loop stood still. A stop in the midst of a step shows at the next one.
func (l *loop) now() time.Time {
	now := time.Now()
	stood := now.Sub(l.steppedAt)
	first := l.steppedAt.IsZero()
	l.steppedAt = now
	// Messages are kept alive at a third of AckWait, so that half of it may be
	// one too many.
	if !first && stood > l.r.cfg.AckWait/2 {
		l.stopped(stood, now)
	}
	return now
}

// stopped begins anew as after a start, but for the table: the edges' numbers
// tell what it missed.
func (l *loop) stopped(stood time.Duration, now time.Time) {
	if l.leaving {
		return // everything was returned
	}
	l.r.metrics.stops.Inc()
	held := l.d.Abandon()
	l.fx.forget()
	l.r.cfg.Log.Warn("this router stood still: what it held is left to the others, edges are heard anew",
		"stood_s", stood.Seconds(), "events_left", held)
	l.r.recall()
	l.r.rereads.ask()
	l.forgetHints()
	l.listenUntil = now.Add(min(hearAgain, l.r.cfg.Listen))
	l.caughtUpBy = l.listenUntil.Add(caughtUpWithin)
	l.tick(now) // the table forgives the edges their silence; judge says that it is not complete
}

// caughtUp reports whether no edge's dump is missing after a stop, and what the
// log took in meanwhile was read: edges ask a complete router for that at once.
func (l *loop) caughtUp(now time.Time) bool {
	if !now.Before(l.caughtUpBy) {
		return true
	}
	if l.r.rereads.wanted() {
		return false
	}
	_, behind := l.table.Edges()
	return behind == 0
}

// recall has the consumption begin anew. What was delivered before is dropped
// without a word: the log delivers it again.
func (r *Router) recall() {
	r.epoch.Add(1)
	select {
	case r.recalled <- struct{}{}:
	default: // one is under way, which takes the epoch when it begins
	}
}
