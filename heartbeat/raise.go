package heartbeat

import "math"

const (
	// A network's connections test whether it keeps more than it did, but no
	// more than tryBudget seconds of dead time a day and connection may come
	// of it, and no more often than each tryPause; at once again after a
	// success.
	tryBudget = 0.75
	tryPause  = 900
	tryAgain  = 30
	// tryBuckets is how far beyond the interval.
	tryBuckets = 2
	// tryDoubt is the share of connections that was thought to die of a try,
	// for its success to be news.
	tryDoubt = 0.7
	// The sum of what tries say for a change is a renewal at renewAt, from
	// renewFrom devices or as many as there are: after three that went well.
	renewAt   = 5
	renewFrom = 3
	// lucky is the share of tries that go well at the least where nothing has
	// changed, and unlucky of those that do not where something has.
	lucky, unlucky = 0.1, 0.1
)

// raise notices that a network has become more generous. Where some
// connections are kept for longer than others, luck must not look like a
// change: a try counts by how little was to be hoped of it.
type raise struct {
	next  float64
	sum   float32
	lucky [renewFrom]uint16 // the newest devices whose tries went well
	n     uint8
}

// due reports whether to try now, and if so says when to try next. dead is what
// a try costs that goes ill, in seconds.
func (r *raise) due(now float64, live int32, dead float64) bool {
	pause := max(dead*day/(tryBudget*float64(max(live, 1))), tryPause)
	if r.next == 0 {
		r.next = now + pause/2
	}
	if now < r.next {
		return false
	}
	r.next = now + pause
	return true
}

// note takes a try into account of which a share of expected was thought to
// die. It reports whether the network has become more generous.
func (r *raise) note(now float64, device uint16, expected float64, well bool, live int32) bool {
	expected = min(expected, 1-lucky)
	if !well {
		r.sum = max(r.sum+float32(math.Log(unlucky/expected)), 0)
		return false
	}
	r.sum += float32(math.Log((1 - unlucky) / (1 - expected)))
	if !r.knows(device) {
		r.lucky[r.n%renewFrom] = device
		r.n++
	}
	return r.sum >= renewAt && int32(r.n) >= min(renewFrom, live)
}

func (r *raise) knows(device uint16) bool {
	for i := range min(r.n, renewFrom) {
		if r.lucky[i] == device {
			return true
		}
	}
	return false
}

// tried takes the outcome of a try into account.
func (l *Learner) tried(now float64, c *cell, v *View, to int, well bool) {
	expected := c.expected(v.span().lo, to)
	if v.is(upward) && well {
		c.up.next = min(c.up.next, now+tryAgain)
	}
	if !v.is(upward) || expected <= tryDoubt || !c.up.note(now, v.device, expected, well, c.live) {
		return
	}
	l.counts.raises.Add(1)
	c.renew(l.stamp(now), grid[to])
}

// renew takes back what died of silences longer than so many seconds, at a
// time that all edges share.
func (c *cell) renew(unix, from float64) {
	c.evidence.renew(from)
	c.unshared.renew(from)
	c.renewedAt, c.renewedFrom = unix, from
	c.changed++
	c.fresh = 0
	c.up = raise{}
	c.down.epoch++
}
