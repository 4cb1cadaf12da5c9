package table

import (
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

const (
	// EdgeSilence is how long an edge may stay silent before it is lost:
	// three beats.
	EdgeSilence = 3 * time.Second
	// dumpRetry is how long a dump may make no progress before it is asked
	// for again.
	dumpRetry = time.Second
	// dumpBlocks is how long an edge that does not answer may keep the table
	// from being complete: its sessions find their heads when it answers.
	dumpBlocks = 10 * time.Second
	// maxKept bounds the batches kept while a dump is under way. What is
	// dropped shows as a gap after it.
	maxKept = 4096
	// maxKeptBytes bounds their memory: minutes of an edge that takes thousands
	// of devices a second.
	maxKeptBytes = 64 << 20
	// maxGraves bounds the lost incarnations of one edge that are remembered:
	// one more is not believed until the oldest is cleared away. No edge starts
	// anew twice a second for two minutes, but somebody who took over its name
	// could, and have every router keep what each of them said.
	maxGraves = 256
	// maxTick is the longest time between two ticks that counts: after a
	// longer one the owner was held up, and the edges' beats wait unread.
	maxTick = time.Second
	// connShards is the binary logarithm of the number of arrays that an
	// edge's sessions are found by.
	connShards = 4
)

// slot is one incarnation of one edge.
type slot struct {
	// Static after construction.
	name        string
	incarnation int64
	site        string
	// number is the slot's in slots, which sessions hold.
	number uint32

	// dead says that the edge is lost. Sessions refer to their slot, so that
	// this one flag ends all of them.
	dead   bool
	deadAt time.Time
	// conns finds sessions by their connection number; count is their number.
	conns index
	count int
	// marked holds the sessions that the edge is told to close.
	marked map[uint64]uint32

	seq     uint64
	sum     uint64
	heardAt time.Time
	seenAt  time.Time
	// synced says that the slot was right once; behind that it needs a dump.
	synced bool
	behind bool
	dump   dump
}

// BatchResult says what became of a batch.
type BatchResult uint8

// The results of a batch.
const (
	// Applied: the table follows the edge.
	Applied BatchResult = iota
	// Kept: applied after the dump that is under way.
	Kept
	// Gap: a batch is missing; a dump is needed.
	Gap
	// Mismatch: count or checksum differ; a dump is needed.
	Mismatch
	// Stale: of an earlier incarnation, or applied before.
	Stale
	// Unknown: the first word of an edge that has sessions already; a dump is
	// needed.
	Unknown
	// KeptFull: too many were kept during a dump; it will be asked for again.
	KeptFull
)

// mark notes that a session is to be closed: it is superseded or refused.
func (s *slot) mark(x *session, why uint32) {
	x.at |= why
	s.marked[x.conn] = why
}

// matches compares what the edge says of all its sessions.
func (s *slot) matches(b *linkpb.SessionBatch) bool {
	return b.GetCount() == uint64(s.count) && b.GetChecksum() == s.sum
}

// Apply takes in a batch or a beat and appends what it changed to changes.
func (t *Table) Apply(b *linkpb.SessionBatch, now time.Time, changes []Change) (BatchResult, []Change) {
	sl, fresh := t.slot(b.GetEdge(), b.GetIncarnation(), now)
	if sl == nil {
		return Stale, changes
	}
	sl.heardAt = now
	if site := b.GetSite(); len(site) <= maxName {
		sl.site = site
	}
	if sl.behind {
		return sl.keep(b), changes
	}
	if fresh && !startsHere(b) {
		sl.behind = true
		return Unknown, changes
	}
	return t.follow(sl, b, now, changes)
}

// startsHere reports whether a batch is the first that an edge ever sent, so
// that nothing came before it.
func startsHere(b *linkpb.SessionBatch) bool {
	if isBeat(b) {
		return b.GetSeq() == 0
	}
	return b.GetSeq() == 1
}

func isBeat(b *linkpb.SessionBatch) bool { return len(b.GetAdded()) == 0 && len(b.GetRemoved()) == 0 }

// follow applies a batch to a slot that is not behind.
func (t *Table) follow(sl *slot, b *linkpb.SessionBatch, now time.Time, changes []Change) (BatchResult, []Change) {
	next := sl.seq
	if !isBeat(b) {
		next++
	}
	switch {
	case b.GetSeq() < next:
		return Stale, changes
	case b.GetSeq() > next:
		sl.behind = true
		sl.keep(b)
		return Gap, changes
	}
	changes = t.change(sl, b, now, changes)
	sl.seq = next
	if !sl.matches(b) {
		sl.behind = true
		return Mismatch, changes
	}
	sl.synced = true
	return Applied, changes
}

func (t *Table) change(sl *slot, b *linkpb.SessionBatch, now time.Time, changes []Change) []Change {
	for _, conn := range b.GetRemoved() {
		if c, ok := t.remove(sl, conn); ok {
			changes = append(changes, c)
		}
	}
	added := make([]told, 0, len(b.GetAdded()))
	for _, p := range b.GetAdded() {
		added = append(added, toldBy(p))
	}
	return t.addAll(sl, added, now, changes)
}

// addAll enters sessions.
func (t *Table) addAll(sl *slot, sessions []told, now time.Time, changes []Change) []Change {
	t.prepare(sl, sessions)
	for i := range sessions {
		if c, ok := t.add(sl, &sessions[i], now); ok {
			changes = append(changes, c)
		}
	}
	t.done(sessions)
	return changes
}

// slot returns the slot of this incarnation, made when it is newer than what
// is known, nil when it is older.
func (t *Table) slot(edge string, incarnation int64, now time.Time) (sl *slot, fresh bool) {
	if sl = t.edges[edge]; sl != nil {
		if sl.incarnation == incarnation {
			return sl, false
		}
		if sl.incarnation > incarnation {
			return nil, false
		}
		if t.gravesOf(edge) >= maxGraves {
			return nil, false
		}
		t.Forget(edge, now)
	}
	sl = &slot{
		name: edge, incarnation: incarnation, seenAt: now, heardAt: now, number: t.freeSlot(),
		conns: newIndex(connShards), marked: make(map[uint64]uint32),
	}
	t.slots[sl.number] = sl
	t.edges[edge] = sl
	return sl, true
}

// Tick forgets the edges that were silent for too long and returns their
// names. Call it several times a second.
func (t *Table) Tick(now time.Time) (lost []string) {
	t.excuse(now)
	for name, sl := range t.edges {
		if now.Sub(sl.heardAt) > EdgeSilence {
			lost = append(lost, name)
			t.Forget(name, now)
		}
	}
	t.sweep(now)
	return lost
}

// excuse moves the edges' last words forward by the time that the table's
// owner was held up.
func (t *Table) excuse(now time.Time) {
	if held := now.Sub(t.lastTick); !t.lastTick.IsZero() && held > maxTick {
		t.Excuse(held)
	}
	t.lastTick = now
}

// Excuse forgives every edge the given time of silence: the router itself was
// away.
func (t *Table) Excuse(d time.Duration) {
	for _, sl := range t.edges {
		sl.heardAt = sl.heardAt.Add(d)
	}
}

// Settled reports whether every edge that was heard has been taken in, at
// least once, or has not answered for so long that it shall not hold up the
// others.
func (t *Table) Settled(now time.Time) bool {
	for _, sl := range t.edges {
		if !sl.synced && now.Sub(sl.seenAt) < dumpBlocks {
			return false
		}
	}
	return true
}

// Loads returns how many sessions each edge has.
func (t *Table) Loads() map[string]int {
	loads := make(map[string]int, len(t.edges))
	for edge, sl := range t.edges {
		loads[edge] = int(sl.count)
	}
	return loads
}

// Edges returns how many edges are known, and how many of them need a dump.
func (t *Table) Edges() (known, behind int) {
	for _, sl := range t.edges {
		if sl.behind {
			behind++
		}
	}
	return len(t.edges), behind
}
