package heartbeat

// cell is what is known of a network. Its shard's lock guards it.
type cell struct {
	path         Path
	used         bool
	class        bool // a parent
	generation   uint16
	newer, older int32 // in the shard's order of use; -1: none

	evidence
	unshared evidence // the part that was not exported
	changed  float32  // how much that is

	// The last alarm and renewal, by the time that all edges share.
	newAlarms uint32 // not exported
	alarmAt   float64
	raiseAt   float64
	raiseTo   int

	// Computed from the evidence and the parent's.
	s     survival
	best  int
	climb int // the probe that is worth it for a connection that shows nothing; -1: none
	dirty bool
	fresh float64 // when

	aged    float64 // when evidence was aged last
	touched float64
	live    int32
	probing int32 // planned and not over

	down alarm
	up   raise
}

const (
	// refreshAge is after how many seconds a cell is computed anew though
	// nothing happened: it has aged.
	refreshAge = 600
	// refreshGap is how seldom it is computed while much happens.
	refreshGap = 1
)

// refresh brings what is computed up to date.
func (c *cell) refresh(now float64, parent func(*[buckets]float32)) {
	age := now - c.fresh
	if !c.dirty && age < refreshAge || c.dirty && age >= 0 && age < refreshGap && c.fresh > 0 {
		return
	}
	if d := now - c.aged; d > refreshAge {
		c.age(d)
		c.unshared.age(d)
		c.aged = now
	}
	var h [buckets]float32
	parent(&h)
	prior := float32(leafPrior)
	if c.class {
		prior = rootPrior
	}
	c.estimate(&h, prior, &c.s)
	c.best = c.s.best(c.path.Transport, span{-1, buckets})
	c.climb = c.s.climb(c.path.Transport, span{c.best, buckets}, c.best, horizon)
	c.dirty, c.fresh = false, max(now, 1e-3)
}

// survived notes that a connection that had survived until lo survived until
// bucket to. It returns what was new.
func (c *cell) survived(lo, to int, weight float32) float32 {
	added := float32(0)
	for k := 0; k <= to; k++ {
		w := weight
		if k <= lo {
			w *= repeatWeight
		}
		c.n[k] += w
		c.unshared.n[k] += w
		added += w
	}
	c.changed += weight
	c.dirty = true
	return added
}

// died notes a death in the buckets above lo up to at, spread by where it is
// likely to have been.
func (c *cell) died(lo, at int, weight float32) {
	if lo >= at {
		lo = at - 1
	}
	mass := c.s.at(lo) - c.s.at(at)
	if mass < 1e-9 {
		mass = 1e-9
	}
	for k := lo + 1; k <= at; k++ {
		share := float32((c.s.at(k-1) - c.s.at(k)) / mass)
		risk := float32((c.s.at(k-1) - c.s.at(at)) / mass)
		if lo+1 == at {
			share, risk = 1, 1
		}
		c.e[k] += weight * share
		c.n[k] += weight * risk
		c.unshared.e[k] += weight * share
		c.unshared.n[k] += weight * risk
	}
	c.changed += 4 * weight
	c.dirty = true
}
