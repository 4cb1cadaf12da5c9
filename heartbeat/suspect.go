package heartbeat

const (
	// proof is how many connections that survived a silence make it one that
	// the network is known to keep, and proofShare which share of those that
	// survived any: a few may have sent more than the edge saw, or have been
	// lucky.
	proof      = 0.5
	proofShare = 0.1
)

// suspect takes a death at an interval that was thought safe into account. All
// that is merely claimed at one address is one device's: a few words must not
// take back what a whole network showed.
func (l *Learner) suspect(now float64, c *cell, v *View, gap float64, at int, claim bool) {
	who := v.device
	if claim && v.address() != 0 {
		who = uint16(v.address())
	}
	limit, alarmed := c.down.fail(now, who, gap, c.expected(v.span().lo, at))
	if !alarmed {
		return
	}
	l.counts.alarms.Add(1)
	c.alarmAt = l.stamp(now)
	c.newAlarms++
	c.contradicted(limit)
	c.perished(-1, at, alarmFrom)
}

// proven reports whether connections were seen to survive a silence of a
// bucket. Where that was only thought of them, as of all that begin together on
// a network that is new, their deaths say what it is like and not that it has
// changed.
func (c *cell) proven(at int) bool { return c.kept[at] >= max(proof, proofShare*c.kept[0]) }

// trusted is up to what silence a death is one of an interval. A report does
// not say whether a probe beyond the interval was under way.
func (c *cell) trusted(v *View, claim bool) float64 {
	usual := grid[c.of(-1)]
	if claim {
		return min(1.1*usual, usual+fallback+1)
	}
	return max(1.1*usual, float64(v.interval)/10+late)
}

// expected is the share of connections that a silence of bucket to loses, of
// those that survived lo.
func (c *cell) expected(lo, to int) float64 {
	if to <= lo {
		return 0
	}
	return 1 - c.s.at(to)/max(c.s.at(lo), 1e-6)
}
