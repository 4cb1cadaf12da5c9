package heartbeat

import (
	"math"
	"slices"
	"time"
)

// What edges share of a cell is a snapshot: a short versioned text of bytes
// that adds up. The one of a store is the sum of what all edges saw:
//
//	for each path of Unshared:
//		delta, ok := Export(path)              nothing is taken from what the edge itself knows
//		merged := Merge(stored, delta)         compare and set; stored anew: merge again
//		Import(path, merged)                   or when the watch brings it
//	the store away: Restore(path, delta), and it goes with the next one.
//
// The parents, paths with the zero Network, are shared like the others. All
// edges that share need the same TimeScale.

// worthSharing is how much a cell changes before it is shared: about a
// connection that showed something.
const worthSharing = 0.75

// Unshared appends up to limit paths to dst for which Export has something.
// The ones that changed most come first.
func (l *Learner) Unshared(dst []Path, limit int) []Path {
	type candidate struct {
		path    Path
		changed float32
	}
	var all []candidate
	for i := range l.shards {
		s := &l.shards[i]
		s.mu.Lock()
		for _, c := range s.slots {
			if c.changed >= worthSharing {
				all = append(all, candidate{c.path, c.changed})
			}
		}
		s.mu.Unlock()
	}
	slices.SortFunc(all, func(a, b candidate) int {
		switch {
		case a.changed > b.changed:
			return -1
		case a.changed < b.changed:
			return 1
		}
		return 0
	})
	for _, c := range all[:max(min(limit, len(all)), 0)] {
		dst = append(dst, c.path)
	}
	return dst
}

// Export takes out what the edge saw of a network since the last Export. It
// reports false where that is nothing.
func (l *Learner) Export(now time.Time, p Path) (delta []byte, ok bool) {
	c, unlock := l.look(p)
	if c == nil {
		return nil, false
	}
	defer unlock()
	if c.changed == 0 {
		return nil, false
	}
	at := l.at(now)
	r := l.unshared(c, at)
	c.unshared, c.changed, c.newAlarms, c.exported = evidence{}, 0, 0, at
	return r.encode(), true
}

// Restore puts back what Export took out and nobody could store. An error
// wraps ErrSnapshot.
func (l *Learner) Restore(now time.Time, p Path, delta []byte) error {
	r, err := decode(delta)
	if err != nil {
		l.counts.garbage.Add(1)
		return err
	}
	c, unlock := l.look(p)
	if c == nil {
		return nil
	}
	defer unlock()
	u := l.unshared(c, l.at(now))
	u.add(r)
	c.unshared, c.newAlarms = u.evidence, u.alarms
	c.changed += worthSharing
	return nil
}

// Import replaces what is known of a network by the sum of all edges, to which
// what this edge has not exported yet is added. Where there is no room left, a
// network that nobody here is in takes none from one that somebody is in. An
// error wraps ErrSnapshot.
func (l *Learner) Import(now time.Time, p Path, snapshot []byte) error {
	r, err := decode(snapshot)
	if err != nil {
		l.counts.garbage.Add(1)
		return err
	}
	at := l.at(now)
	p = p.tidy()
	s := &l.shards[l.shardOf(p)]
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.spare(p) {
		return nil
	}
	c := s.slots[s.find(p, at)]
	// A clock that is ahead must not make the evidence of all others old.
	r.at = min(r.at, l.unix(at))
	if r.alarmAt > r.at {
		r.alarmAt = 0
	}
	if r.renewedAt > r.at {
		r.renewedAt = 0
	}
	r.add(l.unshared(c, at))
	c.evidence = r.evidence
	c.aged, c.fresh = at, 0
	if r.renewedAt > c.renewedAt {
		c.renewedAt, c.renewedFrom = r.renewedAt, r.renewedFrom
		c.down.epoch++
	}
	if r.alarmAt > c.alarmAt && r.cap > 0 {
		c.alarmAt = r.alarmAt
		c.down.raise(at-(l.unix(at)-r.alarmAt), r.cap)
	}
	return nil
}

// unix is a time of the engine that all edges share.
func (l *Learner) unix(at float64) float64 {
	return float64(l.start.UnixMilli())/1000*l.scale + at
}

// stamp is when an edge finds a change, to the second as a snapshot has it: what
// comes back from there must not look older, and be taken back for it.
func (l *Learner) stamp(at float64) float64 { return math.Floor(l.unix(at)) }

// unshared is what the cell has not exported.
func (l *Learner) unshared(c *cell, at float64) *record {
	return &record{
		evidence: c.unshared, at: l.unix(at),
		alarmAt: c.alarmAt, cap: c.down.cap, alarms: c.newAlarms,
		renewedAt: c.renewedAt, renewedFrom: c.renewedFrom,
	}
}

// look returns the cell of a path with its shard locked, nil where there is
// none.
func (l *Learner) look(p Path) (c *cell, unlock func()) {
	p = p.tidy()
	s := &l.shards[l.shardOf(p)]
	s.mu.Lock()
	i, ok := s.byPath[p]
	if !ok {
		s.mu.Unlock()
		return nil, nil
	}
	return s.slots[i], s.mu.Unlock
}
