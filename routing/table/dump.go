package table

import (
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// dump is a dump of one edge that was asked for.
type dump struct {
	// id names the request; 0 before the first.
	id      uint64
	askedAt time.Time
	// part is the number of the part that comes next, seq the batch number
	// that the first part named.
	part  uint32
	seq   uint64
	parts [][]*linkpb.Session
	// kept are the batches that arrived since the slot fell behind.
	kept []*linkpb.SessionBatch
}

// keep holds a batch back until the dump is there.
func (s *slot) keep(b *linkpb.SessionBatch) BatchResult {
	if isBeat(b) {
		return Kept
	}
	if len(s.dump.kept) >= maxKept {
		s.dump.kept = nil
		return KeptFull
	}
	s.dump.kept = append(s.dump.kept, b)
	return Kept
}

// DumpNeed is a dump that is to be asked of an edge.
type DumpNeed struct {
	Edge string
	ID   uint64
}

// DumpNeeds returns the dumps to ask for now: of edges that fell behind, and
// again where an answer did not come or broke off.
func (t *Table) DumpNeeds(now time.Time) []DumpNeed {
	var needs []DumpNeed
	for name, sl := range t.edges {
		d := &sl.dump
		if !sl.behind || d.id != 0 && now.Sub(d.askedAt) < dumpRetry {
			continue
		}
		*d = dump{id: uint64(now.UnixNano()), askedAt: now, kept: d.kept}
		needs = append(needs, DumpNeed{Edge: name, ID: d.id})
	}
	return needs
}

// TakeDump takes in one part of a dump. Parts of another request, and parts
// out of order, are dropped: the dump is asked for anew when it stands still.
// With the last part the edge's sessions are replaced at once, and the
// batches that came meanwhile are applied. It reports whether the table
// follows the edge again.
func (t *Table) TakeDump(p *linkpb.SessionDump, now time.Time, changes []Change) (bool, []Change) {
	sl := t.edges[p.GetEdge()]
	if sl == nil || sl.incarnation != p.GetIncarnation() || !sl.dump.take(p, now) {
		return false, changes
	}
	sl.heardAt = now
	if !p.GetLast() {
		return false, changes
	}
	changes = t.replace(sl, now, changes)
	return t.catchUp(sl, now, changes)
}

func (d *dump) take(p *linkpb.SessionDump, now time.Time) bool {
	if d.id == 0 || p.GetDumpId() != d.id || p.GetPart() != d.part {
		return false
	}
	if d.part == 0 {
		d.seq = p.GetSeq()
	}
	if d.seq != p.GetSeq() {
		return false
	}
	d.part++
	d.parts = append(d.parts, p.GetSessions())
	d.askedAt = now
	return true
}

// replace makes the dump the edge's sessions. Sessions that were known
// before stay what they are.
func (t *Table) replace(sl *slot, now time.Time, changes []Change) []Change {
	stay := make(map[uint64]bool)
	for _, part := range sl.dump.parts {
		for _, p := range part {
			stay[p.GetConn()] = true
		}
	}
	for conn := range sl.sessions {
		if stay[conn] {
			continue
		}
		if c, ok := t.remove(sl, conn); ok {
			changes = append(changes, c)
		}
	}
	for _, part := range sl.dump.parts {
		for _, p := range part {
			if c, ok := t.add(sl, p, now); ok {
				changes = append(changes, c)
			}
		}
	}
	sl.seq = sl.dump.seq
	return changes
}

// catchUp applies the batches that arrived during the dump.
func (t *Table) catchUp(sl *slot, now time.Time, changes []Change) (bool, []Change) {
	kept := sl.dump.kept
	sl.dump = dump{}
	sl.behind, sl.synced = false, true
	for i, b := range kept {
		var r BatchResult
		r, changes = t.follow(sl, b, now, changes)
		if r == Gap || r == Mismatch {
			sl.dump.kept = kept[i:]
			return false, changes
		}
	}
	return true, changes
}
