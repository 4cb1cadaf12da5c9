package publish

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"connectrpc.com/connect"
)

// Pressure tells how far the parts behind the log are from keeping up: Level
// is 0 while they do, and 1 where nothing more shall be stored. Cause says
// what is full, in words for a backend's developer.
type Pressure struct {
	Level float64
	Cause string
}

const (
	// window is the time over which tenants' rates are compared.
	window = time.Second
	// crowdedWait and pressedWait are what a refused backend is told to wait
	// at least.
	crowdedWait = 2 * time.Second
	pressedWait = time.Second
)

// holdback refuses events while what is stored already is not worked off:
// then the log and the routers' memory do not grow, and backends hear of it
// while they can wait.
//
// The higher the pressure the less a tenant may publish, as a share of what
// each would get of the last second's events if they were spread evenly: those
// above it are refused first, and a small tenant does not notice the flood of
// a great one. It knows the requests of this router only.
type holdback struct {
	// Static after construction; may be nil.
	pressure func() Pressure
	crowded  func(tenant string) bool

	mu sync.Mutex
	// Guarded by mu: when the window began, what the last one was offered in
	// all, and by how many tenants, and what this one was offered and let
	// through, by tenant.
	begin           time.Time
	offered         int
	tenants         int
	asked, admitted map[string]int
}

func newHoldback(pressure func() Pressure, crowded func(string) bool) *holdback {
	return &holdback{pressure: pressure, crowded: crowded, asked: map[string]int{}, admitted: map[string]int{}}
}

// take admits an event of a tenant, or says why not.
func (h *holdback) take(tenant string, now time.Time) *Error {
	if h.crowded != nil && h.crowded(tenant) {
		return &Error{Code: connect.CodeResourceExhausted, RetryAfter: later(crowdedWait), result: resultCrowded, Message: fmt.Sprintf(
			"the devices of tenant %s, or their pushes, do not take its events as fast as they come: repeat with the same id after some seconds", tenant)}
	}
	var p Pressure
	if h.pressure != nil {
		p = h.pressure()
	}
	if h.admit(tenant, p.Level, now) {
		return nil
	}
	return &Error{Code: connect.CodeResourceExhausted, RetryAfter: later(pressedWait), result: resultHeldBack, Message: fmt.Sprintf(
		"events are stored faster than they are worked off (%s): repeat with the same id after some seconds", p.Cause)}
}

// later spreads the repeats of what was refused together.
func later(d time.Duration) time.Duration { return (d + rand.N(d)).Round(time.Millisecond) }

func (h *holdback) admit(tenant string, level float64, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.turnLocked(now)
	h.asked[tenant]++
	if level > 0 && float64(h.admitted[tenant]) >= h.partLocked(level) {
		return false
	}
	h.admitted[tenant]++
	return true
}

// partLocked is how many events each tenant may publish in this window.
func (h *holdback) partLocked(level float64) float64 {
	if level >= 1 {
		return 0
	}
	return max(1, (1-level)*float64(h.offered)/float64(max(1, h.tenants)))
}

// turnLocked begins a new window where the last one is over.
func (h *holdback) turnLocked(now time.Time) {
	if now.Sub(h.begin) < window {
		return
	}
	h.offered, h.tenants = 0, len(h.asked)
	for _, n := range h.asked {
		h.offered += n
	}
	if now.Sub(h.begin) >= 2*window {
		h.offered, h.tenants = 0, 0 // of a time long past
	}
	h.begin = now
	clear(h.asked)
	clear(h.admitted)
}
