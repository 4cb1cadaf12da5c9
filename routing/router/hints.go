package router

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/dispatch"
)

// hintQueue bounds the hints that wait for the loop. What finds it full is
// dropped and counted: the log delivers the event all the same.
const hintQueue = 1 << 12

// hint is an event that the log has stored a moment ago.
type hint struct {
	dispatch.Hint
	seq uint64
}

// Stored tells the router of an event that the log has just acknowledged, with
// its version and its place there: the user's sessions hear of it at once, and
// need not wait until the log delivers it, to this router or to another one. It
// does not block, and may be called by any goroutine.
func (r *Router) Stored(e routing.Event) {
	kind, known := r.cfg.Catalog.Kind(e.Tenant, e.Kind)
	u := urgency(e, kind)
	if !known || kind.Push.Strict || u == routing.UrgencyLow || !r.ready.Load() {
		return
	}
	select {
	case r.hints <- hint{dispatch.Hint{Tenant: e.Tenant, User: e.User, Kind: e.Kind, Version: e.Version, Urgency: u}, e.Sequence}:
	default:
		r.metrics.dropped.WithLabelValues(dropHint).Inc()
	}
}

// takeHint has sessions told of an event. Whoever hears of it may ask for it at
// once, so that the floors rise first.
func (l *loop) takeHint(h hint, now time.Time) {
	if l.leaving || !l.takes() {
		return
	}
	l.raise(h.Tenant, h.User, h.Kind, h.seq)
	l.d.Hint(h.Hint, now)
}

// forgetHints drops what was told before this router stood still.
func (l *loop) forgetHints() {
	for {
		select {
		case <-l.r.hints:
		default:
			return
		}
	}
}
