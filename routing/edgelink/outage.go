package edgelink

import "time"

// outageAfter is how long routers may take to start, or to be replaced, before
// their absence is news.
const outageAfter = 10 * time.Second

// An outage is a time without a complete router while NATS is there.
type outage struct {
	since time.Time // zero: there is none
	said  bool
}

// look reports once that an outage has lasted for outageAfter, and once that
// such a one is over.
func (o *outage) look(out bool, now time.Time) (begun, ended bool) {
	switch {
	case !out:
		ended = o.said
		*o = outage{}
	case o.since.IsZero():
		o.since = now
	case !o.said && now.Sub(o.since) >= outageAfter:
		o.said, begun = true, true
	}
	return begun, ended
}
