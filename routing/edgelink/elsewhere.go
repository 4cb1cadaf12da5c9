package edgelink

import (
	"math/rand/v2"
	"time"
)

const (
	// maxUnheard bounds Timing.Unheard as it doubles with each server over which
	// no router was heard of either: there may be none anywhere.
	maxUnheard = time.Minute
	// trustAfter is how long routers are heard of before it is as short as at
	// first.
	trustAfter = 10 * time.Second
)

// elsewhere finds out when to look for routers over another NATS server: one
// that is cut off from the others answers its clients' pings, so that they
// would stay with it. Owned by the announcer.
type elsewhere struct {
	timing Timing
	// patience is Timing.Unheard, or longer after searches in vain.
	patience time.Duration

	lookedAt       time.Time
	heard, unheard time.Duration // one of them is 0
}

func newElsewhere(t Timing) elsewhere { return elsewhere{timing: t, patience: t.Unheard} }

// look reports whether to go. It is called once a beat.
func (e *elsewhere) look(connected, routers bool, now time.Time) bool {
	// An edge that stood still has read nothing of what it was sent meanwhile.
	passed := min(now.Sub(e.lookedAt), 2*e.timing.Beat)
	if e.lookedAt.IsZero() {
		passed = 0
	}
	e.lookedAt = now
	switch {
	case !connected: // the client is looking already
		e.heard, e.unheard = 0, 0
	case routers:
		e.heard, e.unheard = e.heard+passed, 0
		if e.heard >= trustAfter {
			e.patience = e.timing.Unheard
		}
	default:
		e.heard, e.unheard = 0, e.unheard+passed
	}
	if e.unheard < e.patience {
		return false
	}
	e.unheard = 0
	// Not all edges at once, over and over.
	e.patience = min(2*e.patience, maxUnheard) * time.Duration(75+rand.IntN(50)) / 100
	return true
}

// seek leaves a NATS server over which no router has been heard of for long.
func (a *announcer) seek() {
	a.l.mu.Lock()
	routers := a.l.presence.any(time.Now(), a.l.cfg.Timing.Fresh)
	a.l.mu.Unlock()
	conn := a.l.cfg.Conn
	if !a.elsewhere.look(conn.IsConnected(), routers, time.Now()) || len(conn.Servers()) < 2 {
		return
	}
	a.l.log.Warn("no router is heard of over this NATS server: another one is taken. It may be cut off from the others, or no router runs",
		"server", conn.ConnectedUrlRedacted())
	if err := conn.ForceReconnect(); err != nil {
		a.l.log.Warn("the NATS server was not left", "error", err)
		return
	}
	a.l.metrics.moves.Inc()
}
