package memtransport

import (
	"context"
	"sync"
)

// tracker counts a listener's open connections.
type tracker struct {
	mu   sync.Mutex
	open int           // Guarded by mu.
	idle chan struct{} // Guarded by mu: closed and replaced whenever open falls to 0.
}

func (t *tracker) add() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
}

func (t *tracker) done() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open--; t.open == 0 {
		close(t.idle)
		t.idle = make(chan struct{})
	}
}

func (t *tracker) wait(ctx context.Context) error {
	t.mu.Lock()
	open, idle := t.open, t.idle
	t.mu.Unlock()
	if open == 0 {
		return nil
	}
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
