package table

import (
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// dump is a dump of one edge that was asked for.
type dump struct {
	// id names the request; 0 before the first.
	id      uint64
	askedAt time.Time
	// part is the number of the part that comes next, seq the batch number
	// that the first part named.
	part uint32
	seq  uint64
	// kept are the batches that arrived since the slot fell behind.
	kept []*linkpb.SessionBatch
	// keptBytes is about the memory that they take.
	keptBytes int
}

// keep holds a batch back until the dump is there.
func (s *slot) keep(b *linkpb.SessionBatch) BatchResult {
	if isBeat(b) {
		return Kept
	}
	bytes := s.dump.keptBytes + memory(b)
	if len(s.dump.kept) >= maxKept || bytes > maxKeptBytes {
		s.dump.kept, s.dump.keptBytes = nil, 0
		return KeptFull
	}
	s.dump.keptBytes = bytes
	s.dump.kept = append(s.dump.kept, b)
	return Kept
}

// memory is about what a batch takes: what is short on the wire is not where it
// is kept.
func memory(b *linkpb.SessionBatch) int {
	return proto.Size(b) + 256*len(b.GetAdded()) + 8*len(b.GetRemoved())
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
		*d = dump{id: uint64(now.UnixNano()), askedAt: now, kept: d.kept, keptBytes: d.keptBytes}
		needs = append(needs, DumpNeed{Edge: name, ID: d.id})
	}
	return needs
}

// TakeDump takes in one part of a dump. Parts of another request, and parts
// out of order, are dropped: the dump is asked for anew when it stands still.
// The sessions that a part names are entered with it; with the last part
// those that no part named are removed, and the batches that came meanwhile
// are applied. It reports whether the table follows the edge again.
func (t *Table) TakeDump(p *DumpPart, now time.Time, changes []Change) (bool, []Change) {
	sl := t.edges[p.Edge]
	if sl == nil || sl.incarnation != p.Incarnation || !sl.dump.take(p, now) {
		return false, changes
	}
	sl.heardAt = now
	if p.Part == 0 {
		t.unmark(sl)
	}
	changes = t.addAll(sl, p.sessions, now, changes)
	if !p.Last {
		return false, changes
	}
	changes = t.prune(sl, changes)
	sl.seq = sl.dump.seq
	return t.catchUp(sl, now, changes)
}

func (d *dump) take(p *DumpPart, now time.Time) bool {
	if d.id == 0 || p.ID != d.id || p.Part != d.part {
		return false
	}
	if d.part == 0 {
		d.seq = p.Seq
	}
	if d.seq != p.Seq {
		return false
	}
	d.part++
	d.askedAt = now
	return true
}

// unmark prepares the edge's sessions for a dump.
func (t *Table) unmark(sl *slot) {
	for _, sh := range sl.conns.shards {
		for _, c := range sh.cells {
			if c != 0 {
				t.sessions.at(c.ref()).at &^= inDump
			}
		}
	}
}

// prune ends the sessions that the dump did not name.
func (t *Table) prune(sl *slot, changes []Change) []Change {
	for i := range sl.conns.shards {
		sh := &sl.conns.shards[i]
		// From the end: what moves up was looked at.
		for at := len(sh.cells) - 1; at >= 0; at-- {
			if sh.cells[at] == 0 || t.sessions.at(sh.cells[at].ref()).at&inDump != 0 {
				continue
			}
			if c, ok := t.drop(sl, sh.cells[at].ref()); ok {
				changes = append(changes, c)
			}
		}
	}
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
			sl.dump.kept, sl.dump.keptBytes = kept[i:], 0
			for _, left := range sl.dump.kept {
				sl.dump.keptBytes += memory(left)
			}
			return false, changes
		}
	}
	return true, changes
}
