package table

import "time"

const (
	// LostFor is how long it is known of a device that its edge was lost, and
	// how long a lost session takes room.
	LostFor = 2 * time.Minute
	// sweepStep is how many sessions of lost edges a tick clears away at
	// most: about a millisecond of work.
	sweepStep = 4096
)

// Forget drops an edge with all its sessions, in constant time. What is left
// of them is cleared away a little with each Tick, after LostFor.
func (t *Table) Forget(edge string, now time.Time) {
	sl := t.edges[edge]
	if sl == nil {
		return
	}
	sl.dead, sl.deadAt = true, now
	sl.marked, sl.dump = nil, dump{}
	delete(t.edges, edge)
	t.graves = append(t.graves, sl)
}

// gravesOf counts the lost incarnations of an edge that are remembered.
func (t *Table) gravesOf(edge string) (n int) {
	for _, sl := range t.graves {
		if sl.name == edge {
			n++
		}
	}
	return n
}

func (s *slot) lost() Lost { return Lost{Edge: s.name, Site: s.site, At: s.deadAt} }

// freeSlot returns a number for a slot.
func (t *Table) freeSlot() uint32 {
	if n := len(t.freeSlots); n > 0 {
		i := t.freeSlots[n-1]
		t.freeSlots = t.freeSlots[:n-1]
		return i
	}
	t.slots = append(t.slots, nil)
	return uint32(len(t.slots) - 1)
}

// sweep clears sessions of lost edges away.
func (t *Table) sweep(now time.Time) {
	left := sweepStep
	for len(t.graves) > 0 && now.Sub(t.graves[0].deadAt) >= LostFor {
		sl := t.graves[0]
		if left = t.empty(sl, left); left == 0 {
			return
		}
		t.slots[sl.number] = nil
		t.freeSlots = append(t.freeSlots, sl.number)
		t.graves[0] = nil
		t.graves = t.graves[1:]
	}
}

// empty releases at most limit sessions of a lost edge, and returns how many
// more might be.
func (t *Table) empty(sl *slot, limit int) int {
	for n := len(sl.conns.shards); n > 0; n-- {
		sh := &sl.conns.shards[n-1]
		for at := len(sh.cells); at > 0; at-- {
			if limit == 0 {
				sh.cells = sh.cells[:at]
				return 0
			}
			if c := sh.cells[at-1]; c != 0 {
				t.release(c.ref())
				limit--
			}
		}
		sl.conns.shards = sl.conns.shards[:n-1]
	}
	return limit
}
