package push

import (
	"math/rand/v2"
	"time"
)

// Quiet are hours of the day in which only what is urgent is pushed.
type Quiet struct {
	// From and To are times of the day, since midnight; To may be on the next
	// day. The same: there are no quiet hours.
	From, To time.Duration
	// Zone is where they count. Nil: UTC.
	Zone *time.Location
}

// quietSpread is over how long the pushes are made that quiet hours held.
const quietSpread = time.Minute

// until reports whether these are quiet hours, and when they end: by the clocks
// of the zone, also on the days on which those are changed.
func (q Quiet) until(now time.Time) (end time.Time, quiet bool) {
	if q.From == q.To {
		return time.Time{}, false
	}
	zone := q.Zone
	if zone == nil {
		zone = time.UTC
	}
	local := now.In(zone)
	at := func(days int, clock time.Duration) time.Time {
		return time.Date(local.Year(), local.Month(), local.Day()+days, 0, int(clock/time.Minute), 0, 0, zone)
	}
	over := 0
	if q.To < q.From {
		over = 1
	}
	for _, day := range []int{-1, 0} {
		if end := at(day+over, q.To); !now.Before(at(day, q.From)) && now.Before(end) {
			return end, true
		}
	}
	return time.Time{}, false
}

// quiet holds a job over the quiet hours of its kind, and reports whether it did.
func (w *Worker) quiet(h *held) bool {
	j := h.job
	if j.Urgency == High {
		return false
	}
	end, quiet := w.cfg.Policy(j.Tenant, j.Kind).Quiet.until(time.Now())
	if !quiet {
		return false
	}
	w.hold(h, outcomeQuiet, end.Add(rand.N(quietSpread)), HoldQuiet, "", "quiet hours")
	return true
}
