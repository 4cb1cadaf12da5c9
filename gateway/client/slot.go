package client

import (
	"sync"
	"time"
)

// leastWait is the shortest wait that is taken from an edge. One that tells less
// has something wrong with it, and would have its devices come all the time.
const leastWait = time.Second

// slot is when an edge that had no room wants to see the device again, and what
// shows that to any edge. The zero slot is none.
type slot struct {
	mu sync.Mutex
	// Guarded by mu.
	proof []byte
	at    time.Time
}

// take keeps the slot of an attempt that an edge sent away.
func (s *slot) take(e ending) {
	if e.back == nil || !e.code.Reconnect() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proof = append([]byte(nil), e.back.Slot...)
	s.at = time.Now().Add(time.Duration(e.back.WaitMs) * time.Millisecond)
}

// drop forgets the slot: the device is let in.
func (s *slot) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.proof, s.at = nil, time.Time{}
}

// bytes is what Hello says.
func (s *slot) bytes() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.proof
}

// wait is how long it is until the slot; 0: there is none to wait for, or hardly
// longer than one backs off. Nothing random is added, because the edge has
// spread the devices.
func (s *slot) wait() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := time.Until(s.at); d >= leastWait {
		return d
	}
	return 0
}
