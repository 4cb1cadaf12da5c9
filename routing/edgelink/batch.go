package edgelink

import "github.com/hawser-edge/hawser/routing/linkpb"

// bound gives up telling one by one when too much waits.
func (t *table) bound() {
	if t.changes.len()+t.removed.len() > maxChanges {
		t.park()
	}
}

func (t *table) park() {
	t.parked = true
	t.changes.clear()
	t.removed.clear()
}

// cut takes the next batch of what waits, or returns nil. It tells of sessions,
// or, where none waits, of ended ones: what is to be told between the two has
// its place; see announcer.tell. told is called for each session that the batch
// tells of for the first time.
func (t *table) cut(drop func() bool, told func(*entry)) *linkpb.SessionBatch {
	added := t.cutChanges()
	if len(added) > 0 && drop != nil && drop() {
		for _, e := range added {
			e.hidden = e.need == 0
		}
		added = nil
	}
	var removed []uint64
	if len(added) == 0 {
		removed = t.cutRemoved(maxMessage)
	}
	if len(added)+len(removed) == 0 {
		return nil
	}
	t.seq++
	b := &linkpb.SessionBatch{Seq: t.seq, Removed: removed}
	for _, e := range added {
		b.Added = append(b.Added, e.proto())
		if e.need == 0 {
			e.need = t.seq
			t.add(e)
			told(e)
		}
	}
	b.Count, b.Checksum = t.count, t.checksum
	return b
}

func (t *table) cutChanges() []*entry {
	var added []*entry
	for size := 0; t.changes.len() > 0 && size < maxMessage; {
		e := t.live(t.changes.pop())
		if e == nil {
			continue
		}
		e.changed = false
		added = append(added, e)
		size += e.size()
	}
	return added
}

func (t *table) cutRemoved(space int) []uint64 {
	var removed []uint64
	for size := 0; t.removed.len() > 0 && size < space; size += 10 {
		conn := t.removed.pop()
		if e := t.sessions[conn]; e != nil && e.gone {
			removed = append(removed, conn)
			delete(t.sessions, conn)
			if t.dumped(e) {
				t.late = append(t.late, e)
			}
			t.count--
			t.checksum -= e.sum()
		}
	}
	return removed
}

func (t *table) add(e *entry) {
	t.count++
	t.checksum += e.sum()
}
