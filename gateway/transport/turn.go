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
type turns struct {
	mu sync.Mutex
	// Guarded by mu.
	free         int
	begun, fresh list.List // of chan struct{}: those that wait
}

func newTurns(n int) *turns { return &turns{free: n} }

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

// put gives a place back, to who waits.
func (t *turns) put() {
	t.mu.Lock()
	defer t.mu.Unlock()
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
	begun bool // it has had a place

	mu sync.Mutex
	// Guarded by mu.
	since time.Time // that the client has the word; zero: it has not
	sum   time.Duration
}

func (t *turn) take() {
	if t != nil && !t.held {
		t.hear()
		t.of.get(t.begun)
		t.held, t.begun = true, true
	}
}

func (t *turn) rest() {
	if t == nil {
		return
	}
	t.ask()
	if t.held {
		t.of.put()
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
