package push

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// appQueue is one application's way to its provider: bounded attempts, a bounded
// queue, a breaker and a pace. Each application has its own, so that one that
// fails, hangs or is slowed down takes nothing from the others: its jobs wait
// here, and where the queue is full in the stream.
type appQueue struct {
	// Static after construction.
	key      AppKey
	provider Provider
	inFlight int
	maxQueue int
	start    func(func())  // runs it on a goroutine that the worker waits for
	stopped  *atomic.Int64 // applications whose breakers are not closed

	// Guarded by mu.
	mu      sync.Mutex
	running int
	queue   []func(*turn)
	breaker breaker
	pace    pace
	timer   *time.Timer // runs while the breaker or the pace has jobs wait
	// deciding is the turn that the breaker waits for, nil: none.
	deciding *turn
	// slots are of the jobs that were sent back, recalls calls them back, and
	// caller runs while there are any. promised are places among the recalls.
	slots    slots
	recalls  recalls
	promised int
	caller   *time.Timer
	closed   bool
}

// turn is a place among the attempts under way.
type turn struct {
	work func(*turn)
	// probe: it began as the one that the breaker waited for.
	probe bool
	// stopped: it has no place after all, for nothing is sent now.
	stopped bool
}

func newAppQueue(k AppKey, p Provider, cfg Config, start func(func()), stopped *atomic.Int64) *appQueue {
	q := &appQueue{key: k, provider: p, inFlight: cfg.AppInFlight, maxQueue: cfg.AppQueue, start: start, stopped: stopped}
	if l, ok := p.(Limited); ok {
		q.pace.most = l.PerSecond()
	}
	q.timer = time.AfterFunc(time.Hour, q.pump)
	q.timer.Stop()
	q.caller = time.AfterFunc(time.Hour, q.callBack)
	q.caller.Stop()
	return q
}

// offer takes work, which runs on a goroutine of its own once it has a place.
// It reports false if there are too many already.
func (q *appQueue) offer(work func(*turn)) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.closed {
		q.start(func() { work(&turn{}) }) // it finds that the worker ends
		return true
	}
	q.queue = append(q.queue, work)
	q.pumpLocked()
	if len(q.queue) <= q.roomLocked() {
		return true
	}
	q.queue = q.queue[:len(q.queue)-1]
	return false
}

const (
	// stoppedWait is for how long at the most an application is stopped while
	// jobs wait for it here.
	stoppedWait = 8 * time.Second
	// stoppedQueue may wait here however many applications are stopped.
	stoppedQueue = 16
)

// roomLocked is how many may wait. Jobs in hand take places from those of other
// applications, in the stream they take none: none waits here for an application
// that is stopped for long, and those that are stopped for seconds, all of one
// service as a rule, share the room of one. Of one that is slowed down no more
// wait than a second takes.
func (q *appQueue) roomLocked() int {
	now := time.Now()
	switch limit := q.pace.bound(now); {
	case q.breaker.state == breakerClosed && limit > 0:
		return min(q.maxQueue, max(stoppedQueue, int(limit)))
	case q.breaker.state == breakerClosed:
		return q.maxQueue
	case q.breaker.left(now) > stoppedWait:
		return 0
	default:
		return min(q.maxQueue, max(stoppedQueue, q.maxQueue/q.sharers()))
	}
}

// clearLocked sends those back for which there is no room any more.
func (q *appQueue) clearLocked() {
	room := min(len(q.queue), q.roomLocked())
	rest := slices.Clone(q.queue[room:])
	clear(q.queue[room:])
	q.queue = q.queue[:room]
	if len(rest) == 0 {
		return
	}
	q.start(func() {
		for _, work := range rest {
			work(&turn{stopped: true})
		}
	})
}

// pump begins what may begin by now.
func (q *appQueue) pump() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.pumpLocked()
}

func (q *appQueue) pumpLocked() {
	for t := q.takeLocked(); t != nil; t = q.takeLocked() {
		q.start(func() {
			for ; t != nil; t = q.next(t) {
				t.work(t)
			}
		})
	}
}

// next ends a turn and returns another one for its goroutine, nil if there is
// none: the goroutine then ends.
func (q *appQueue) next(t *turn) *turn {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	if q.deciding == t {
		q.deciding = nil
		q.breaker.abandoned()
	}
	return q.takeLocked()
}

// takeLocked returns the oldest work if it may begin now, nil if not. Where that
// is a matter of time the timer asks again.
func (q *appQueue) takeLocked() *turn {
	if q.closed || len(q.queue) == 0 || q.running >= q.inFlight {
		return nil
	}
	now := time.Now()
	ok, probe, wait := q.breaker.allows(now)
	if ok {
		if ok, wait = q.pace.take(now); !ok && probe {
			q.breaker.abandoned()
		}
	}
	if !ok {
		if wait > 0 {
			q.timer.Reset(wait)
		}
		return nil
	}
	t := &turn{work: q.queue[0], probe: probe}
	q.queue[0] = nil
	q.queue = q.queue[1:]
	q.running++
	if probe {
		q.deciding = t
	}
	return t
}

// advice says in words what a result means and what to do, where the provider
// knows.
func (q *appQueue) advice(r Result) string {
	p, ok := q.provider.(Checker)
	if !ok {
		return ""
	}
	return p.Explain(r).Advice()
}

// change is what an attempt's result changed for its application.
type change struct {
	opened, closed bool // the breaker
	slowed         bool
	left           time.Duration // for how long nothing is sent
}

// report takes the result of a turn.
func (q *appQueue) report(t *turn, r Result) (c change) {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	decides := q.deciding == t
	c.opened, c.closed = q.breaker.report(now, r, decides)
	if decides {
		q.deciding = nil
	}
	if r.trouble() == OfQuota {
		c.slowed = q.pace.slow(now)
	}
	switch {
	case c.opened:
		q.stopped.Add(1)
	case c.closed:
		q.stopped.Add(-1)
		q.pumpLocked()
		q.caller.Reset(atOnce)
	}
	q.clearLocked()
	c.left = q.breaker.left(now)
	return c
}

// close begins nothing any more and returns the work that waited.
func (q *appQueue) close() []func(*turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.timer.Stop()
	q.caller.Stop()
	rest := q.queue
	q.queue = nil
	return rest
}

// appState is what metrics show of an application.
type appState struct {
	breaker        breakerState
	refused        bool
	waiting, going int
	away           int     // jobs in the stream that can be called back
	limit          float64 // a second; 0: none
}

func (q *appQueue) state() appState {
	q.mu.Lock()
	defer q.mu.Unlock()
	now := time.Now()
	return appState{
		breaker: q.breaker.state, refused: q.breaker.state != breakerClosed && q.breaker.cause == OfApp,
		waiting: len(q.queue), going: q.running, away: q.recalls.size(now), limit: q.pace.bound(now),
	}
}
