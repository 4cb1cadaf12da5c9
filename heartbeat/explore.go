package heartbeat

const (
	// outstanding bounds the probes of a network at a time that go beyond what
	// little is known of: fewest, unless one in outstandingShare of the
	// connections is more, but no more than most.
	outstandingFewest = 4
	outstandingShare  = 8
	outstandingMost   = 8
	// outstandingKnown bounds them where at least wellKnown connections
	// survived such a silence, unless a quarter of the connections is more.
	outstandingKnown = 16
	wellKnown        = 8
)

// further is a silence beyond the interval that is worth a test, or 0. in is what
// v showed.
func (c *cell) further(now float64, v *View, in span, from int) float64 {
	if limit := c.down.limit(now); limit > 0 {
		beyond := floorBucket(limit) + reliefBuckets
		switch {
		case now-c.down.at < reliefPause:
			return 0
		case beyond > from:
		case c.mayProbe(now, beyond):
			return grid[beyond]
		default:
			return 0
		}
	}
	k := int(c.climb[from])
	if v.hi > 0 {
		k = c.s.between(c.path.Transport, in, from)
	}
	if k > from && c.mayProbe(now, k) {
		return grid[k]
	}
	retries := v.hi == 0 || in.hi > c.of(-1) // below that, retests see whether it was luck
	if to := from + tryBuckets; retries && k == 0 && to < buckets && c.probing < outstandingFewest && c.up.due(now, c.live, grid[to]-grid[from]+noticing) {
		v.flags |= upward
		return grid[to]
	}
	return 0
}

// between is the silence that is worth a probe of a connection that died, beyond
// its interval of bucket from and below what it died of; 0 where none is. That it
// does not survive the one does not say that it would not have survived the
// other, which it may have lived with before without a test.
func (s *survival) between(t Transport, in span, from int) (best int) {
	bottom, dear := s.below(in), deadCostOf(t)
	each := 1 / max(s.at(in.lo)-bottom, 1e-6)
	trouble := reconnectCost(t) + dear*noticing
	most := 0.0
	for k := from + 1; k < min(in.hi, buckets); k++ {
		kept := (s.at(k) - bottom) * each
		if kept < hopeless {
			break
		}
		gain := kept*(beats[from]-beats[k])*horizon - (1-kept)*(trouble+dear*grid[k]) - probeCost
		if gain > most {
			best, most = k, gain
		}
	}
	return best
}

// mayProbe reports whether another connection may test bucket k. What was known
// before a network became stricter is not.
func (c *cell) mayProbe(now float64, k int) bool {
	limit := max(outstandingFewest, min(c.live/outstandingShare, outstandingMost))
	if c.kept[k] > wellKnown && c.down.limit(now) == 0 {
		limit = max(outstandingKnown, c.live/4)
	}
	return c.probing < limit
}

// exhausted reports whether nothing more is believed of the device today, or of
// its address, as happens to many where a network has become stricter: what it
// tests beyond its interval only costs it connections, unless others were seen to
// survive that since the network keeps more again.
func (l *Learner) exhausted(now float64, c *cell, v *View, to int) bool {
	stricter := c.down.count > 0 && now-c.down.at < day && (c.renewedAt < c.alarmAt || c.kept[to] < wellKnown)
	return stricter && c.live > household && (l.caps.spent(now, v, v.cell) || l.caps.silenced(now, v, c.live))
}
