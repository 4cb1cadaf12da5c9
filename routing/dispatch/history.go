package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
)

const (
	// spanWidth is the precision of the patience of a hot user's devices:
	// events this close together count as one.
	spanWidth = 250 * time.Millisecond
	// maxSpans bounds a flow's memory of times; beyond it the oldest are
	// joined, and count from the older of the two.
	maxSpans = 64
)

// history knows when the versions of a flow were published, long after their
// messages were acknowledged for newer ones.
type history struct{ spans []span }

// span is a run of versions up to last.
type span struct {
	last    int64
	first   time.Time
	urgency routing.Urgency
}

func (h *history) add(version int64, at time.Time, u routing.Urgency) {
	for i := range h.spans {
		if s := &h.spans[i]; version <= s.last {
			s.join(span{s.last, at, u})
			return
		}
	}
	if n := len(h.spans); n > 0 {
		if s := &h.spans[n-1]; at.Sub(s.first) < spanWidth {
			s.join(span{version, at, u})
			return
		}
	}
	h.spans = append(h.spans, span{version, at, u})
	if len(h.spans) > maxSpans {
		h.spans[1].join(h.spans[0])
		h.spans = append(h.spans[:0], h.spans[1:]...)
	}
}

func (s *span) join(o span) {
	s.last = max(s.last, o.last)
	s.urgency = max(s.urgency, o.urgency)
	if o.first.Before(s.first) {
		s.first = o.first
	}
}

// after returns the time of the oldest version above v, and the greatest
// urgency of those.
func (h *history) after(v int64) (at time.Time, u routing.Urgency, ok bool) {
	for _, s := range h.spans {
		if s.last <= v {
			continue
		}
		if !ok {
			at, ok = s.first, true
		}
		u = max(u, s.urgency)
	}
	return at, u, ok
}
