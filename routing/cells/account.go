package cells

import (
	"sync"
	"time"
)

// accounts hold edges to what they may say. Each edge has an account of what
// it saved, and a request takes from it.
type accounts struct {
	// Static after construction.
	sessions func(edge string) int

	mu sync.Mutex
	// Guarded by mu.
	edges map[string]*account
}

type account struct {
	at                               time.Time
	evidence, added, overruled, asks float64
}

func newAccounts(sessions func(edge string) int) *accounts {
	return &accounts{sessions: sessions, edges: make(map[string]*account)}
}

// request reports whether the edge may ask now.
func (a *accounts) request(edge string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.openLocked(edge, now)
	return x != nil && take(&x.asks, 1) == 1
}

// evidence takes up to that many connections and returns how many there were.
func (a *accounts) evidence(edge string, want float64, now time.Time) float64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.openLocked(edge, now)
	if x == nil {
		return 0
	}
	got := min(want, x.evidence)
	x.evidence -= got
	return got
}

// add reports whether the edge may add one more network.
func (a *accounts) add(edge string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.openLocked(edge, now)
	return x != nil && take(&x.added, 1) == 1
}

// overrule reports whether the edge may once more take back what others know.
func (a *accounts) overrule(edge string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	x := a.openLocked(edge, now)
	return x != nil && take(&x.overruled, 1) == 1
}

func take(from *float64, n float64) float64 {
	if *from < n {
		return 0
	}
	*from -= n
	return n
}

// openLocked brings an edge's account up to date. A new one is full. It is nil
// where too many edges have one: some names are invented.
func (a *accounts) openLocked(edge string, now time.Time) *account {
	x := a.edges[edge]
	if x == nil {
		if len(a.edges) >= maxEdges && !a.forgetLocked(now) {
			return nil
		}
		x = &account{at: now.Add(-saved)}
		a.edges[edge] = x
	}
	passed := min(now.Sub(x.at), saved)
	if passed <= 0 {
		return x
	}
	x.at = now
	perSecond := float64(max(a.sessions(edge), leastSessions)) / shortest.Seconds()
	// What an edge saw remains when its sessions end.
	x.evidence = max(x.evidence, min(x.evidence+perSecond*passed.Seconds(), perSecond*saved.Seconds()))
	x.added = min(x.added+newAnHour*passed.Hours(), newAnHour)
	x.overruled = min(x.overruled+changesAnHour*passed.Hours(), changesAnHour)
	x.asks = min(x.asks+requestsPerSecond*passed.Seconds(), requestsBurst)
	return x
}

// forgetLocked drops the accounts that are full again.
func (a *accounts) forgetLocked(now time.Time) bool {
	for edge, x := range a.edges {
		if now.Sub(x.at) >= saved {
			delete(a.edges, edge)
		}
	}
	return len(a.edges) < maxEdges
}
