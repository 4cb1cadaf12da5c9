package edgelink

import (
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// origin is what many sessions have in common.
type origin struct{ tenant, platform string }

// maxOrigins bounds those that are remembered.
const maxOrigins = 4096

// entry is a session in the table; there are as many as connections, so it is
// small. What it says of the session does not change while it is in a snapshot:
// a change of background makes a new entry.
type entry struct {
	conn         uint64
	from         *origin
	user, device string
	epoch        int64
	// need is the number of the batch that told of the session; 0: not yet.
	need uint64
	// changed: the session waits in changes.
	changed bool
	// gone: the session ended, and routers are still to be told.
	gone bool
	// hidden: never told, see Config.DropBatch.
	hidden bool
	// queued: the session waits for echoes or to be asked for.
	queued bool
	// sweeping: the running sweep has yet to reach the session, unless it is
	// asked for before.
	sweeping   bool
	verified   bool
	background bool
}

func (e *entry) session() Session {
	return Session{
		Conn: e.conn, Tenant: e.from.tenant, User: e.user, Device: e.device,
		Epoch: e.epoch, Background: e.background, Platform: e.from.platform,
	}
}

// table is the set of sessions and what routers were told of it. It does no
// I/O and has no lock of its own: the link's mu guards it.
type table struct {
	sessions map[uint64]*entry
	origins  map[origin]*origin
	// What waits to be told.
	changes fifo[uint64]
	removed fifo[uint64]
	// What was told: the last batch's number, and count and checksum of the
	// sessions that routers must have after it.
	seq      uint64
	count    uint64
	checksum uint64
	// parked: nothing is queued, routers will get a dump. See resync.
	parked bool
	// unverified counts sessions that are not.
	unverified int
}

func newTable() table { return table{sessions: map[uint64]*entry{}, origins: map[origin]*origin{}} }

// register adds a session, or changes Background of the one that is there.
func (t *table) register(s Session) {
	old, ok := t.sessions[s.Conn]
	if ok && (old.gone || old.background == s.Background) {
		return
	}
	e := &entry{
		conn: s.Conn, from: t.origin(s.Tenant, s.Platform), user: s.User, device: s.Device,
		epoch: s.Epoch, background: s.Background,
	}
	if ok {
		*e = *old
		e.background = s.Background
	} else {
		t.unverified++
	}
	t.sessions[s.Conn] = e
	if e.hidden || e.changed || t.parked {
		return
	}
	e.changed = true
	t.changes.push(s.Conn)
	t.bound()
}

// origin is the one of that tenant and platform.
func (t *table) origin(tenant, platform string) *origin {
	key := origin{tenant, platform}
	o := t.origins[key]
	if o == nil {
		if len(t.origins) >= maxOrigins {
			clear(t.origins)
		}
		o = &key
		t.origins[key] = o
	}
	return o
}

// unregister reports whether the session was there.
func (t *table) unregister(conn uint64) bool {
	e, ok := t.sessions[conn]
	if !ok || e.gone {
		return false
	}
	if !e.verified {
		t.unverified--
	}
	if e.need == 0 || t.parked {
		delete(t.sessions, conn)
		return true
	}
	e.gone = true
	t.removed.push(conn)
	t.bound()
	return true
}

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

// live returns a session that has not ended.
func (t *table) live(conn uint64) *entry {
	if e := t.sessions[conn]; e != nil && !e.gone {
		return e
	}
	return nil
}

// cut takes the next batch of what waits, or returns nil. told is called for
// each session that the batch tells of for the first time.
func (t *table) cut(drop func() bool, told func(*entry)) *linkpb.SessionBatch {
	added := t.cutChanges()
	if len(added) > 0 && drop != nil && drop() {
		for _, e := range added {
			e.hidden = e.need == 0
		}
		added = nil
	}
	removed := t.cutRemoved(maxMessage - 64*len(added))
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

// resync takes all sessions as told by a batch that routers have never seen:
// the skipped number makes each of them ask for a dump.
func (t *table) resync() {
	t.park()
	t.parked = false
	t.seq += 2
	t.count, t.checksum, t.unverified = 0, 0, 0
	for conn, e := range t.sessions {
		if e.gone {
			delete(t.sessions, conn)
			continue
		}
		e.changed, e.queued, e.sweeping, e.verified = false, false, false, false
		t.unverified++
		if !e.hidden {
			e.need = t.seq
			t.add(e)
		}
	}
}

// snapshot returns the sessions as told up to seq, those that ended since
// included. What the entries say of the sessions may be read without the lock.
func (t *table) snapshot() (entries []*entry, seq uint64) {
	entries = make([]*entry, 0, t.count)
	for _, e := range t.sessions {
		if e.need != 0 {
			entries = append(entries, e)
		}
	}
	return entries, t.seq
}

func (e *entry) sum() uint64 {
	return sessionsum.Of(e.conn, e.from.tenant, e.user, e.device, e.epoch)
}

// size is about the session's size in a message.
func (e *entry) size() int { return 32 + len(e.from.tenant) + len(e.user) + len(e.device) }

func (e *entry) proto() *linkpb.Session {
	return &linkpb.Session{
		Conn: e.conn, Tenant: e.from.tenant, User: e.user, Device: e.device,
		Epoch: e.epoch, Background: e.background, Platform: e.from.platform,
	}
}
