package heartbeat

// cell is what is known of a network. Its shard's lock guards it.
type cell struct {
	path         Path
	class        bool // a parent
	generation   uint16
	newer, older int32 // in the shard's order of use; -1: none

	evidence
	unshared evidence // the part that was not exported
	changed  float32  // how much that is
	exported float64  // when the last part was; before the start: never

	// The last alarm by the time that all edges share, and how many there were
	// that are not exported.
	alarmAt   float64
	newAlarms uint32
	// Likewise of when it was last found to keep more, and from what silence
	// on deaths were taken back then.
	renewedAt, renewedFrom float64

	// Computed from the evidence and the parent's.
	s     survival
	own   [buckets]float32 // hazards, as if each connection had a timeout of its own
	alike float64          // how likely it is that all have the same
	choices
	stale, enough float32 // evidence since then, and when there is enough
	fresh         float64 // when

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
	refreshAge = 1800
	// refreshShare is the share of all evidence that has to be new.
	refreshShare = 0.02
	// refreshLeast is how much has to be new where there is little.
	refreshLeast = 0.3
)

// refresh brings what is computed up to date.
func (c *cell) refresh(now float64, parent func(*[buckets]float32)) {
	if c.fresh > 0 && now-c.fresh < refreshAge && c.stale < c.enough {
		return
	}
	if d := now - c.aged; d > refreshAge {
		c.age(d)
		c.unshared.age(d)
		c.aged = now
	}
	var h [buckets]float32
	parent(&h)
	if c.class {
		c.eachItsOwn(&h, rootPrior, &c.own, c.fresh > 0, &c.s)
	} else {
		c.alike = c.estimate(&h, &c.own, c.fresh > 0, &c.s)
	}
	c.choose()
	tested, deaths := c.weight()
	c.stale, c.enough = 0, max(float32(tested+deaths)*refreshShare, refreshLeast)
	c.fresh = max(now, 1e-3)
}

// survived notes that a connection that had survived until bucket lo survived
// until bucket to.
func (c *cell) survived(lo, to int) {
	for k := 0; k <= to; k++ {
		w := float32(1)
		if k <= lo {
			w = repeatWeight
		}
		c.kept[k] += w
		c.unshared.kept[k] += w
	}
	fresh := float32(1)
	if lo >= to {
		fresh = repeatWeight
	}
	c.changed += fresh
	c.stale += fresh
}

// perished notes a death of a connection that had survived bucket lo.
func (c *cell) perished(lo, at int, weight float32) {
	c.perish(lo, at, weight)
	c.unshared.perish(lo, at, weight)
	c.changed += 2 * weight
	c.stale += 10 * weight
}

// learnFrom takes part in what one of its networks shows: much of the first
// that shows something, little of one that shows it again.
func (c *cell) learnFrom(leaf *cell, lo, to int) {
	for k := max(lo+1, 0); k <= to; k++ {
		w := 1 / (1 + leaf.kept[k])
		c.kept[k] += w
		c.unshared.kept[k] += w
	}
	c.changed += 1 / (1 + leaf.kept[to])
	c.stale += 1 / (1 + leaf.kept[to])
}
