package transport

import (
	"sync"
	"time"
)

// turns bounds how many handshakes compute at once: live connections go first
// to the other processors. Those that wait for their clients hold none.
type turns chan struct{}

func newTurns(n int) turns { return make(turns, n) }

// turn is a handshake's share in turns, and a clock of how long its client has
// let it wait. All but waited is used by one goroutine. Nil has no bounds.
type turn struct {
	of   turns
	held bool

	mu sync.Mutex
	// Guarded by mu.
	since time.Time // that the client has the word; zero: it has not
	sum   time.Duration
}

func (t *turn) take() {
	if t != nil && !t.held {
		t.hear()
		t.of <- struct{}{}
		t.held = true
	}
}

func (t *turn) rest() {
	if t == nil {
		return
	}
	t.ask()
	if t.held {
		<-t.of
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
