package push

import "time"

// atOnce is the shortest wait of a timer. None is set to a time that has come:
// with virtual time the runtime then runs it on the spot, beside others, and the
// race detector of Go 1.26 crashes over that.
const atOnce = time.Nanosecond

// hasRoom reports whether a job may wait here for its turn.
func (q *appQueue) hasRoom() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.queue) < q.roomLocked()
}

// isStopped reports whether the breaker is not closed, and why.
func (q *appQueue) isStopped() (stopped bool, reason string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.breaker.state != breakerClosed, q.breaker.reason
}

// away returns when a job that is turned away comes back by itself: soon, and
// not with too many others.
func (q *appQueue) away(now time.Time) time.Time {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.slots.take(now, now.Add(awayFor), time.Second/returnRate*time.Duration(q.sharers()))
}

// sharers is how many applications share what the stopped ones may have.
func (q *appQueue) sharers() int { return int(max(1, q.stopped.Load())) }

// maxRecalls is how many jobs can be called back.
func (q *appQueue) maxRecalls() int { return max(minRecalls, maxRecalls/q.sharers()) }

// remember takes what calls back a job that was sent back.
func (q *appQueue) remember(r recall) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	now := time.Now()
	if first := q.recalls.size(now) == 0; first {
		q.caller.Reset(q.callAgainLocked(now))
	}
	q.recalls.add(r, q.maxRecalls(), now)
}

// promise keeps a place for what calls back one more job, if there is one without
// forgetting another. It is taken with rememberPromised.
func (q *appQueue) promise() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.recalls.size(time.Now())+q.promised >= q.maxRecalls() {
		return false
	}
	q.promised++
	return true
}

func (q *appQueue) rememberPromised(r recall) {
	q.mu.Lock()
	q.promised--
	q.mu.Unlock()
	q.remember(r)
}

// callBack calls back as many as there is room for.
func (q *appQueue) callBack() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		return
	}
	now := time.Now()
	some, left := q.recalls.take(q.wantsLocked(now), now)
	if left > 0 {
		q.caller.Reset(q.callAgainLocked(now))
	}
	if len(some) == 0 {
		return
	}
	q.start(func() {
		for _, r := range some {
			r.call()
		}
	})
}

// callAgainLocked is how long after now more may be called back.
func (q *appQueue) callAgainLocked(now time.Time) time.Duration {
	if q.breaker.state == breakerClosed {
		return recallEvery
	}
	return max(q.breaker.left(now), recallAgain)
}

// wantsLocked is how many jobs are called back now: enough to keep the attempts
// going, for those that are called take places in the stream's hands from others;
// and one for a breaker that has no other to try.
func (q *appQueue) wantsLocked(now time.Time) int {
	switch {
	case q.breaker.state == breakerClosed:
		return min(q.roomLocked(), 2*q.inFlight) - len(q.queue)
	case q.breaker.left(now) == 0 && q.running == 0 && len(q.queue) == 0:
		return 1
	default:
		return 0
	}
}

// renewed has the application tried at once if it was refused.
func (q *appQueue) renewed() {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed || q.breaker.state == breakerClosed || q.breaker.cause != OfApp {
		return
	}
	q.breaker.renew()
	q.deciding = nil // an attempt under way has the former credential
	q.pumpLocked()
	q.caller.Reset(atOnce)
}
