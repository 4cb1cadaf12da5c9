package pushtest

import (
	"context"
	"sync"
)

// maxJournal bounds a journal; older entries give way.
const maxJournal = 20_000

// journal is the log of accepted notifications.
type journal struct {
	// Guarded by mu.
	mu       sync.Mutex
	received []Notification
	dropped  int           // entries that gave way or were taken
	changed  chan struct{} // closed and replaced by every entry
}

func newJournal() *journal {
	return &journal{changed: make(chan struct{})}
}

func (j *journal) add(n Notification) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.received) >= maxJournal {
		cut := maxJournal / 10
		j.received = append(j.received[:0], j.received[cut:]...)
		j.dropped += cut
	}
	j.received = append(j.received, n)
	close(j.changed)
	j.changed = make(chan struct{})
}

// Received returns every accepted notification, oldest first.
func (j *journal) Received() []Notification {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := make([]Notification, len(j.received))
	for i, n := range j.received {
		out[i] = n.clone()
	}
	return out
}

// Take returns what Received does and forgets it, so that a reader who comes
// often misses nothing, however long the run.
func (j *journal) Take() []Notification {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := j.received
	j.received = nil
	j.dropped += len(out)
	return out
}

// ReceivedBy returns what one token received, oldest first.
func (j *journal) ReceivedBy(token string) []Notification {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Notification
	for _, n := range j.received {
		if n.Token == token {
			out = append(out, n.clone())
		}
	}
	return out
}

// Count returns how many notifications were accepted since the start or Reset.
func (j *journal) Count() int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.received) + j.dropped
}

// WaitReceived returns once at least n notifications were accepted, with all
// of them, or with what there is and the context's error.
func (j *journal) WaitReceived(ctx context.Context, n int) ([]Notification, error) {
	for {
		j.mu.Lock()
		have, changed := len(j.received)+j.dropped, j.changed
		j.mu.Unlock()
		if have >= n {
			return j.Received(), nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return j.Received(), ctx.Err()
		}
	}
}

func (j *journal) forget() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.received, j.dropped = nil, 0
}
