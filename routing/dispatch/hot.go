package dispatch

import "time"

// A user may have thousands of events a second. What they cost is bounded here
// by time, a device and kind: its edge is told of new heads in bursts, its jobs
// are stored one by one with a pause, and only the newest version counts.

const (
	// A session is told of burstMost new heads at once, and of no more before
	// burstEvery has passed since the first of them.
	burstMost  = 5
	burstEvery = 100 * time.Millisecond
	// storeEvery is the pause after a job was stored. The push role gathers
	// for longer, and sends the head as of when it sends.
	storeEvery = 500 * time.Millisecond
	// outrunBy is how many later events make it likely that the log forgets
	// the oldest one soon: it keeps 16 of a user's kind, which several routers
	// may share.
	outrunBy = 4
)

// mayTell reports whether a session may be told of one more head.
func (d *delivery) mayTell(now time.Time) bool {
	if d.askedVersion == 0 || now.Sub(d.burstAt) >= burstEvery {
		d.burst, d.burstAt = 0, now
	}
	if d.burst >= burstMost {
		return false
	}
	d.burst++
	return true
}

// outran reports whether a device that has not acknowledged for a third of its
// patience must not be waited for here any longer: its oldest event may be gone
// from the log before its patience is over, so that no other router would know
// since when it waits. The push queue remembers, and its worker waits for the
// rest of the patience.
func (p *Dispatcher) outran(d *delivery, now time.Time) bool {
	since, patience := d.patience()
	return d.flow.passed >= outrunBy && now.Sub(since) >= patience/3
}
