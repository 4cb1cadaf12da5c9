package heartbeat

import "time"

const (
	// fallback is how many seconds after a probe the device's own beat comes.
	fallback = 8
	// late is how many seconds a device's timer may be.
	late = 1.5
	// checks is how many steady beats come to one whose silence the edge tests
	// too; fewer where there is a suspicion.
	checks          = 4
	checksSuspicion = 2
	// doubt is the share of connections that an interval is thought to lose,
	// from which on each connection is tested once.
	doubt = 0.003
	// retests is how many intervals of a connection that died once come to a
	// test whether it would again.
	retests = 8
	// surprise is the share of connections that a silence was thought to keep,
	// for a death in it to be taken for the connection's own.
	surprise = 0.9
	// floor2G is the least interval on 2G, where a beat is slow and the
	// network would rather not be used, unless a death was seen.
	floor2G = 150
	// jitter of what is learned, downward. Devices that have talked at their
	// own times need no more.
	jitter = 0.006
)

// Next is what to hand out with Welcome or Pong.
func (l *Learner) Next(now time.Time, v *View, r float64) Plan {
	at := l.at(now)
	s, c := l.lock(v)
	defer s.mu.Unlock()
	c.release(v)
	v.flags &^= upward
	if at-c.touched > refreshAge {
		s.touch(v.slot(), at)
	}
	c.refresh(at, l.parentOf(at, c))
	v.sync(c.down.epoch)
	if v.mute() {
		return l.plan(v, seconds(Max), 0)
	}
	dice := roll(r)
	in := v.span()
	interval, from := c.interval(at, v, in)
	if !v.is(background) || l.noProbes {
		return l.plan(v, interval*(1-jitter*dice.share()), 0)
	}
	probe := c.probe(at, v, in, interval, from, dice)
	if v.is(planned) && l.exhausted(at, c, v, floorBucket(probe)) {
		probe = 0
		if v.is(upward) {
			c.up.next = at // another connection may have the try
		}
		c.release(v)
		v.flags &^= upward
	}
	if probe > 0 {
		l.counts.planned.Add(1)
		return l.plan(v, probe+fallback, probe)
	}
	return l.plan(v, interval*(1-jitter*dice.share()), 0)
}

func seconds(d time.Duration) float64 { return d.Seconds() }

// plan clamps what is handed out.
func (l *Learner) plan(v *View, interval, probe float64) Plan {
	interval = min(max(interval, seconds(Min)), seconds(Max))
	probe = min(probe, interval-fallback)
	v.interval = uint16(interval * 10)
	return Plan{Interval: l.duration(interval), Probe: l.duration(max(probe, 0))}
}

// interval is how long the connection may be silent, and the bucket of that.
func (c *cell) interval(now float64, v *View, in span) (float64, int) {
	k := c.of(in.lo)
	if in.hi < buckets {
		k = c.s.best(c.path.Transport, in)
	}
	interval := max(grid[k], fineGrid[v.lo])
	if k == buckets-1 {
		interval = seconds(Max) + late
	}
	if limit := c.down.limit(now); limit > 0 && interval > limit {
		interval = max(limit, fineGrid[v.lo])
	}
	if c.path.Radio == Cell2G && c.path.Transport == TCP && v.hi == 0 {
		interval = max(interval, floor2G)
	}
	return max(interval-late, seconds(Min)), k
}

// probe is the silence to test, 0 where none is worth it.
func (c *cell) probe(now float64, v *View, in span, interval float64, from int, dice dice) float64 {
	if c.path.Radio == Cell2G {
		if !dice.once(day / interval) {
			return 0
		}
	}
	test := 0.0
	switch {
	case v.hi > 0 && v.struck() < maxStrikes && in.hi <= c.of(-1) && c.s.at(in.hi) > surprise && dice.once(retests*float64(int(1)<<(2*v.struck()))):
		test = grid[c.of(-1)]
	default:
		test = c.further(now, v, in, from)
	}
	if test > interval {
		c.probing++
		v.flags |= planned
		return test
	}
	often := float64(checks)
	if c.down.sum > suspicion {
		often = checksSuspicion
	}
	if in.lo < from {
		often = min(often, doubt/max(c.expected(in.lo, from), 1e-6))
	}
	if dice.once(often) {
		return onGrid(interval + late)
	}
	return 0
}

// onGrid is the silence of the grid up to s that a test of s may as well have:
// beside it, those that survive would count for less than those that do not.
func onGrid(s float64) float64 {
	if k := floorBucket(s); k >= 0 && s-grid[k] < late {
		return grid[k]
	}
	return s
}

// dice is a random number that several throws are made from.
type dice uint64

func roll(r float64) dice {
	return dice(uint64(r * (1 << 53)))
}

// share is of [0, 1).
func (d dice) share() float64 { return float64(d&0xffff) / (1 << 16) }

// once is true once in so many throws.
func (d dice) once(in float64) bool {
	return float64(d>>21) < float64(uint64(1)<<32)/in
}
