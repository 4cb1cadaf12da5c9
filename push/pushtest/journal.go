package pushtest

import (
	"context"
	"sync"
)

// maxJournal bounds a journal; older entries give way.
const maxJournal = 20_000

// shownKey is what a device replaces a notification by.
type shownKey struct{ token, collapse string }

// journal is the log of accepted notifications and what devices show.
type journal struct {
	// Guarded by mu.
	mu       sync.Mutex
	received []Notification
	dropped  int // entries that gave way or were taken
	shown    map[shownKey]Notification
	changed  chan struct{} // closed and replaced by every entry
}

func newJournal() *journal {
	return &journal{shown: map[shownKey]Notification{}, changed: make(chan struct{})}
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
	if !n.Background {
		k := shownKey{n.Token, n.Collapse}
		if n.Collapse == "" {
			k.collapse = "id:" + n.ID
		}
		if len(j.shown) < maxJournal {
			j.shown[k] = n
		}
	}
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

// Shown returns the notifications that a device displays: the last of each
// collapse id, in no order.
func (j *journal) Shown(token string) []Notification {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []Notification
	for k, n := range j.shown {
		if k.token == token {
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

// Reset forgets all notifications.
func (j *journal) Reset() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.received, j.dropped = nil, 0
	clear(j.shown)
}
