package transport

import (
	"container/list"
	"sync"
	"time"
)

// turns bounds how many handshakes compute at once: live connections go first
// to the other processors. Those that wait for their clients hold none. Who has
// computed goes before who has not: an edge that is too slow for all finishes
// what it began, and the others cost it nothing.
//
// A place stays empty for a while after a handshake that was kept waiting by
// the system: others want the processors, among them live connections, and
// what is on the way to them in other processes. So each process keeps to its
// share, whatever else runs, and the processors are seldom all busy.
type turns struct {
	// stint is called at the beginning of a turn, and what it returns at its
	// end: that is how long the system kept it waiting. Static.
	stint func() (end func() time.Duration)

	mu sync.Mutex
	// Guarded by mu.
	free         int
	begun, fresh list.List     // of chan struct{}: those that wait
	owed         time.Duration // for how long places are still to stay empty
}

const (
	// politeness is for how long a place stays empty, for each second that a
	// handshake was kept waiting.
	politeness = 4
	// leastRest is the shortest time for which a place stays empty: shorter
	// ones are added up, for timers are no finer. mostRest is the longest.
	leastRest = time.Millisecond
	mostRest  = 20 * time.Millisecond
)

func newTurns(n int, stint func() (end func() time.Duration)) *turns {
	return &turns{free: n, stint: stint}
}

// get waits for a place.
func (t *turns) get(begun bool) {
	if mine := t.join(begun); mine != nil {
		<-mine
	}
}

// join takes a place, or returns what is closed once there is one.
func (t *turns) join(begun bool) chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.free > 0 {
		t.free--
		return nil
	}
	mine := make(chan struct{})
	if begun {
		t.begun.PushBack(mine)
	} else {
		t.fresh.PushBack(mine)
	}
	return mine
}

// put gives a place back, after so long a wait for the system.
func (t *turns) put(waited time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.owed = min(t.owed+politeness*waited, mostRest)
	if t.begun.Len()+t.fresh.Len() == 0 {
		t.owed = 0 // who comes by himself takes nothing from anybody
	}
	if t.owed < leastRest {
		t.passLocked()
		return
	}
	rest, from := t.owed, time.Now()
	t.owed = 0
	time.AfterFunc(rest, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		t.owed = max(t.owed+rest-time.Since(from), -mostRest)
		t.passLocked()
	})
}

// crowded reports whether somebody waits for a place.
func (t *turns) crowded() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.begun.Len()+t.fresh.Len() > 0
}

// passLocked gives a place to who waits.
func (t *turns) passLocked() {
	for _, all := range []*list.List{&t.begun, &t.fresh} {
		if next := all.Front(); next != nil {
			close(all.Remove(next).(chan struct{}))
			return
		}
	}
	t.free++
}

// turn is a handshake's share in turns, and a clock of how long its client has
// let it wait. All but waited is used by one goroutine. Nil has no bounds.
type turn struct {
	of    *turns
	held  bool
	begun bool                 // it has computed
	stint func() time.Duration // the end of the turn's

	mu sync.Mutex
	// Guarded by mu.
	since time.Time // that the client has the word; zero: it has not
	sum   time.Duration
}

func (t *turn) take() {
	if t != nil && !t.held {
		t.hear()
		t.of.get(t.begun)
		t.begun = true
		t.begin()
	}
}

// begin begins in a place that somebody got for it.
func (t *turn) begin() { t.held, t.stint = true, t.of.stint() }

func (t *turn) rest() {
	if t == nil {
		return
	}
	t.ask()
	if t.held {
		t.of.put(t.stint())
		t.held = false
	}
}

// ask says that the client has the word from now on.
func (t *turn) ask() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.since = time.Now()
}

// hear says that the client has answered.
func (t *turn) hear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.since.IsZero() {
		t.sum += time.Since(t.since)
	}
	t.since = time.Time{}
}

// waited is for how long the client has had the word.
func (t *turn) waited() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.since.IsZero() {
		return t.sum
	}
	return t.sum + time.Since(t.since)
}
