package heartbeat

const (
	// Every device of a network tests upPeriod seconds apart, in the mean,
	// whether the network keeps more than it did; the network as a whole at
	// most once in upPause, and soon again when it was seen to.
	upPeriod = 48 * 3600
	upPause  = 900
	upAgain  = 30
	// upBuckets is how far beyond the interval.
	upBuckets = 2
	// The network is taken to keep more after so many distinct devices, if
	// they are such a share of those that tried.
	upDevices = 3
	upShare   = 0.7
)

// raise notices that a network keeps more than it did.
type raise struct {
	next      float64 // when to try again
	good, bad float32 // the last tries
	devices   [upDevices]uint16
	distinct  uint8
}

// due reports whether to try now, and if so says when to try next.
func (r *raise) due(now float64, live int32) bool {
	pause := max(float64(upPeriod)/float64(max(live, 1)), upPause)
	if r.next == 0 {
		r.next = now + pause/2
	}
	if now < r.next {
		return false
	}
	r.next = now + pause
	return true
}

// tried takes the result of a try. It reports whether the network is found to
// keep more.
func (r *raise) tried(now float64, device uint16, good bool) bool {
	const memory = 0.85
	r.good *= memory
	r.bad *= memory
	if !good {
		r.bad++
		return false
	}
	r.good++
	known := false
	for _, d := range r.devices[:r.distinct] {
		known = known || d == device
	}
	if !known && int(r.distinct) < len(r.devices) {
		r.devices[r.distinct] = device
		r.distinct++
	}
	if r.good >= upShare*(r.good+r.bad) {
		r.next = min(r.next, now+upAgain)
		return r.distinct >= upDevices
	}
	return false
}

// renewed takes back the deaths up to bucket to.
func (c *cell) renewed(to int) {
	c.renew(to)
	c.unshared.renew(to)
	c.up = raise{next: c.up.next}
	c.dirty, c.fresh = true, 0
}

func (v *evidence) renew(to int) {
	const died, stayed = 0.05, 0.2
	for k := 0; k <= to && k < buckets; k++ {
		v.e[k] *= died
		v.n[k] *= stayed
	}
}
