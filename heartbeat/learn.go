package heartbeat

import "time"

const (
	// answerTime is within how many seconds an answer to the edge's own frame
	// is one. The device's beat comes after fallback.
	answerTime = 6.5
	// mendTime is within how many seconds a device that did not answer has to
	// be back for its link to have been usable all the time.
	mendTime = 15
	// reportWeight is what a device's report counts, beside 1 for what the
	// edge saw.
	reportWeight = 0.7
	// earlyWeight is what the death counts of a connection that has survived
	// such a silence before: an eviction, most of the time, and no sign of what
	// the network keeps.
	earlyWeight = 0.1
	// returnTime is within how many seconds a device is back on another
	// connection that beat in vain on the one before, after it missed a probe.
	returnTime = fallback + mendTime + 5
	// absurd is a silence that no clock measured.
	absurd = 30 * day
)

// sane is a silence in the engine's seconds; one out of bounds is counted.
func (l *Learner) sane(d time.Duration) (float64, bool) {
	s := l.seconds(d)
	if d < 0 || s > absurd {
		l.counts.absurd.Add(1)
		return 0, false
	}
	return s, true
}

// ask notes that a silence is being tested. A Notify behind another frame that
// nobody has answered tests nothing, and hides how long ago that was: what is
// heard next may be the device's own beat as well as an answer.
func (l *Learner) ask(v *View, silence time.Duration, probe bool) {
	s, ok := l.sane(silence)
	if v.asked != 0 && !probe {
		v.flags |= behind
	}
	if !ok || v.asked != 0 || s < gridMin {
		return
	}
	v.asked = tenths(s)
	v.set(byProbe, probe)
}

// tenths is a silence as a view keeps it, to the nearest tenth of a second: cut
// off, one of the grid would be less than it is by more than floorBucket allows.
func tenths(s float64) uint16 { return uint16(min(s*10+0.5, 1<<16-1)) }

// Probed notes the test of a silence.
func (l *Learner) Probed(_ time.Time, v *View, silence time.Duration) { l.ask(v, silence, true) }

// Notified notes the test of a silence, whose answer says something and whose
// absence does not.
func (l *Learner) Notified(_ time.Time, v *View, silence time.Duration) { l.ask(v, silence, false) }

// Heard decides what a test showed.
func (l *Learner) Heard(now time.Time, v *View, silence time.Duration) {
	s, ok := l.sane(silence)
	if v.asked == 0 {
		return
	}
	asked, hidden := float64(v.asked)/10, v.is(behind)
	v.asked = 0
	v.flags &^= behind
	switch {
	case !ok || hidden && s <= answerTime:
	case s <= answerTime && (v.is(byProbe) || asked+s < 0.97*float64(v.interval)/10):
		l.counts.answered.Add(1)
		l.success(l.at(now), v, asked)
	case !v.is(byProbe):
	case s > answerTime && s <= mendTime:
		l.death(l.at(now), v, asked, 1)
	default:
		l.counts.coverage.Add(1)
	}
}

// Rebound is a death, seen by the port that the network gave the device anew.
func (l *Learner) Rebound(now time.Time, v *View, silence time.Duration) {
	s, ok := l.sane(silence)
	if asked := float64(v.asked) / 10; asked > 0 {
		v.asked = 0
		v.flags &^= behind
		if ok && s <= mendTime {
			l.death(l.at(now), v, asked, 1)
		}
		return
	}
	// Longer than the plan: the device was away, and any network forgets.
	if ok && s <= float64(v.interval)/10*1.05+fallback {
		l.death(l.at(now), v, s, 1)
	}
}

// Closed ends the view. A reset that answers a test is a death, and so is a
// probe after which the device had to come back on another connection.
func (l *Learner) Closed(now time.Time, v *View, how Ending, silence time.Duration) {
	s, ok := l.sane(silence)
	if ok && v.asked > 0 && (how == EndReset && s <= mendTime || how == EndReplaced && v.is(byProbe) && s <= returnTime) {
		l.death(l.at(now), v, float64(v.asked)/10, 1)
	}
	v.asked = 0
	l.leave(v)
}

// reported takes the device's word for how its last connection ended.
func (l *Learner) reported(now float64, v *View, r Report) {
	if r.How == HowOther {
		return
	}
	miss, okMiss := l.sane(r.FirstMiss)
	delay, okDelay := l.sane(r.Reconnect)
	if !okMiss || !okDelay || r.How > HowTimeout {
		return
	}
	if miss < gridMin || miss > 1.05*seconds(Max)+fallback || delay > mendTime {
		return
	}
	// What it says holds for the connection that it begins, too.
	l.deathOf(now, now-delay-miss, v, miss, reportWeight)
}

// success is a silence that the connection survived, to the edge's own
// knowledge.
func (l *Learner) success(now float64, v *View, gap float64) {
	to := floorBucket(gap)
	if to < 0 {
		return
	}
	s, c := l.lock(v)
	defer s.mu.Unlock()
	v.sync(c.down.epoch)
	lo := v.span().lo
	if v.is(byProbe) {
		c.release(v) // after another frame, the probe is still to come
	}
	counted := c.live <= household || !l.caps.spent(now, v, v.cell)
	if counted && !c.class && lo < to && !l.caps.spent(now, v, v.parent()) {
		l.teach(now, c.path, func(parent *cell) { parent.learnFrom(c, lo, to) })
	}
	if counted {
		c.survived(lo, to)
		c.down.survived(now, v.device, gap)
		l.tried(now, c, v, to, true)
	}
	v.lo = max(v.lo, fineFloor(gap))
	if v.hi <= v.lo {
		v.hi = 0
		v.setStruck(0)
	}
	if gap >= 0.9*float64(v.interval)/10 {
		c.down.calm(c.expected(lo, to))
	}
	if v.is(byProbe) {
		v.flags &^= upward
	}
}

// death is a silence that the connection did not survive.
func (l *Learner) death(now float64, v *View, gap float64, weight float32) {
	l.deathOf(now, now, v, gap, weight)
}

// deathOf is one that is told of now, by somebody who has heard nothing since a
// time.
func (l *Learner) deathOf(now, since float64, v *View, gap float64, weight float32) {
	at, claim := ceilBucket(gap), weight < 1
	l.counts.deaths.Add(1)
	s, c := l.lock(v)
	defer s.mu.Unlock()
	exploring := v.is(planned)
	first, told := l.lately.since(min(since, now-sameDeath), v)
	counted := told || l.counted(now, c, v)
	if !counted {
		l.counts.capped.Add(1)
	}
	c.release(v)
	v.sync(c.down.epoch)
	c.refresh(now, l.parentOf(now, c))
	l.tried(now, c, v, at, false)
	if counted && weight == 1 && v.span().lo >= at {
		weight = earlyWeight
	}
	if counted {
		c.down.died(gap)
		if told {
			at = l.toldAgain(c, v, first, at, weight)
		} else {
			l.learnDeath(now, c, v, at, weight)
		}
		if !exploring && !c.class && gap <= c.trusted(v, claim) && c.proven(at) {
			l.suspect(now, c, v, gap, at, claim)
		}
	}
	v.flags &^= upward
	v.sync(c.down.epoch)
	if claim && c.s.at(at) < surprise {
		return // told by the connection before: this one may be luckier
	}
	v.setStruck(v.struck() + 1)
	v.hi = fineCeil(gap)
	if v.lo >= v.hi {
		v.lo = 0
	}
}

// counted reports whether a death of v is believed.
func (l *Learner) counted(now float64, c *cell, v *View) bool {
	if c.class {
		return l.caps.takeParent(now, v)
	}
	if c.live <= household {
		return l.caps.takeHousehold(now, v)
	}
	return l.caps.take(now, v, c.live)
}

// learnDeath notes a death.
func (l *Learner) learnDeath(now float64, c *cell, v *View, at int, weight float32) {
	_, before := c.weight()
	lo := v.span().lo
	l.lately.keep(lateDeath{v.cell, v.device, int8(lo), uint8(at), weight, now})
	c.perished(lo, at, weight)
	if !c.class && l.caps.takeParent(now, v) {
		l.teach(now, c.path, func(parent *cell) { parent.perished(lo, at, weight/(1+2*float32(before))) })
	}
}

// toldAgain notes what is told once more of a death. It returns the bucket of
// what is known of it now.
func (l *Learner) toldAgain(c *cell, v *View, first lateDeath, at int, weight float32) int {
	d := c.again(first, v.span().lo, at, weight)
	l.lately.keep(d)
	return int(d.at)
}

// teach tells a cell's parent; the cell's lock is held.
func (l *Learner) teach(now float64, p Path, what func(*cell)) {
	s := &l.shards[shards+p.class()]
	s.mu.Lock()
	defer s.mu.Unlock()
	parent := s.slots[0]
	parent.refresh(now, l.parentOf(now, parent))
	what(parent)
}
