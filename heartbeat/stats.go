package heartbeat

import "time"

// Stats is what happened since the engine began.
type Stats struct {
	Cells   int   // networks that are remembered now
	Evicted int64 // networks that were forgotten for want of room

	Planned  int64 // probes
	Answered int64 // silences that the edge tested and that were safe
	Deaths   int64 // silences that were not
	Coverage int64 // probes without an answer that say nothing: the device was away
	Alarms   int64 // networks that were found to have become stricter
	Raises   int64 // networks that were found to keep more than before

	Capped  int64 // deaths beyond what one device, subscriber or block may claim
	Absurd  int64 // silences and reports out of all bounds
	Garbage int64 // snapshots that could not be read
}

// Stats returns the counters.
func (l *Learner) Stats() Stats {
	n := &l.counts
	st := Stats{
		Planned: n.planned.Load(), Answered: n.answered.Load(), Deaths: n.deaths.Load(), Coverage: n.coverage.Load(),
		Alarms: n.alarms.Load(), Raises: n.raises.Load(), Capped: n.capped.Load(), Absurd: n.absurd.Load(), Garbage: n.garbage.Load(),
	}
	for i := range shards {
		s := &l.shards[i]
		s.mu.Lock()
		st.Cells += len(s.slots)
		st.Evicted += s.evicted
		s.mu.Unlock()
	}
	return st
}

// Cell is what is known of one network, for the eye.
type Cell struct {
	Path     Path
	Interval time.Duration // what a new connection would be given, without jitter
	Tested   float64       // connections that showed something; with age they count less
	Deaths   float64       // likewise
	Alarms   int           // since the edge began
	Live     int           // connections
	Learned  bool          // false: nothing but its parent's knowledge
}

// Look returns what is known of a path. It adds none.
func (l *Learner) Look(now time.Time, p Path) Cell {
	p = p.tidy()
	at := l.at(now)
	s := &l.shards[l.shardOf(p)]
	s.mu.Lock()
	defer s.mu.Unlock()
	c := &cell{path: p, aged: at}
	if i, ok := s.byPath[p]; ok {
		c = s.slots[i]
	}
	c.refresh(at, l.parentOf(at, c))
	v := View{}
	interval, _ := c.interval(at, &v, v.span())
	tested, deaths := c.weight()
	return Cell{
		Path: p, Interval: l.duration(min(interval, seconds(Max))), Tested: tested, Deaths: deaths,
		Alarms: int(c.down.count), Live: int(c.live), Learned: tested > 0,
	}
}
