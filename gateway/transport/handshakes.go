package transport

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// handshakePatience is how long the client of a handshake of TCP may take for
// its answers when there are as many as there may be: whoever answers is done by
// then, on all but the worst networks. What the edge takes does not count: a slow
// one would give up what it has half done, for clients of whom it does the same.
const handshakePatience = 2 * time.Second

const (
	// fresh is for how long something is known of how long handshakes take.
	fresh = time.Second
	// leastMeasured and mostMeasured are of how many the time between two is
	// known: what one garbage collection takes must not look like the time that
	// all who wait will have to.
	leastMeasured = 16
	mostMeasured  = 128
)

// handshakes are those of a TCP listener that are under way. When there are as
// many as there may be, the next connections wait in the system's queue, and
// the oldest handshake whose client has had its time is pushed out: clients that
// do not go on cannot keep others away.
type handshakes struct {
	// Static after construction.
	limit int
	freed chan struct{} // one place, never closed: there may be room

	mu sync.Mutex
	// Guarded by mu.
	all  list.List     // of *handshake, the oldest first
	took time.Duration // of those that are done; the last ones count most
	at   time.Time     // of the last one
	// every is the time between two of them where others waited for the edge
	// meanwhile: of so many, the last ones.
	every    time.Duration
	measured int
	pressed  bool // others wait since at
}

// handshake is one that is under way.
type handshake struct {
	in    *incoming
	began time.Time
	turn  turn
	// place is where it is in the list; nil once it is out. pushed says that it
	// was pushed out. Guarded by handshakes.mu.
	place  *list.Element
	pushed bool
}

func newHandshakes(limit int) *handshakes {
	return &handshakes{limit: limit, freed: make(chan struct{}, 1)}
}

// room waits until one more may begin. It reports false when ctx ended.
func (h *handshakes) room(ctx context.Context) bool {
	for {
		wait, full := h.makeRoom()
		if !full {
			return ctx.Err() == nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-h.freed:
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return false
		}
		timer.Stop()
	}
}

// makeRoom pushes out who has had his time. Where there is no room it says how
// long nobody will have had it for.
func (h *handshakes) makeRoom() (wait time.Duration, full bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all.Len() < h.limit {
		return 0, false
	}
	wait = handshakePatience
	for e := h.all.Front(); e != nil; e = e.Next() {
		s := e.Value.(*handshake)
		left := handshakePatience - s.turn.waited()
		if left <= 0 {
			s.pushed = true
			h.removeLocked(s)
			s.in.close() // its goroutine does the rest
			return 0, false
		}
		wait = min(wait, left)
	}
	return wait, true
}

func (h *handshakes) begin(in *incoming) *handshake {
	s := &handshake{in: in, began: time.Now()}
	s.turn.ask()
	h.mu.Lock()
	defer h.mu.Unlock()
	s.place = h.all.PushBack(s)
	return s
}

// end takes a handshake out. It reports whether it was pushed out before.
func (h *handshakes) end(s *handshake) (pushed bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.removeLocked(s)
	return s.pushed
}

func (h *handshakes) removeLocked(s *handshake) {
	if s.place == nil {
		return
	}
	h.all.Remove(s.place)
	s.place = nil
	select {
	case h.freed <- struct{}{}:
	default:
	}
}

// done notes how long a handshake took. Crowded says that others wait for a
// processor.
func (h *handshakes) done(s *handshake, crowded bool) {
	const weight = 16
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.took += (now.Sub(s.began) - h.took) / weight
	if since := now.Sub(h.at); since > fresh {
		h.measured = 0
	} else if h.pressed {
		h.measured = min(h.measured+1, mostMeasured)
		h.every += (since - h.every) / time.Duration(h.measured)
	}
	h.at, h.pressed = now, crowded || h.all.Len() >= h.limit
}

// count is how many are under way.
func (h *handshakes) count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.all.Len()
}

// idle waits until none is under way, for so long at most.
func (h *handshakes) idle(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	for h.count() > 0 {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// delay is about how long a client waits now from its first packet to the end
// of its handshake, where so many wait for theirs to begin.
func (h *handshakes) delay(waiting int) time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case time.Since(h.at) > fresh:
		return 0
	case h.measured < leastMeasured:
		return h.took
	}
	return h.took + h.every*time.Duration(waiting)
}
