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
	// dump is the number of the last one that the session is in.
	dump uint32
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
	// resyncs counts them; resyncing: one is under way.
	resyncs   uint64
	resyncing bool
	// dump is the number of the last snapshot; late are the sessions of the one
	// under way that were taken out of the table before it came by.
	dump    uint32
	dumpSeq uint64 // of the snapshot that is under way; 0: none is
	late    []*entry
	// pause is called by who goes over all sessions, each time a few are done:
	// the lock is let go of, so that whoever waits to register does not wait for
	// a million others. Nil: nobody waits. stride is how many a few are.
	pause  func()
	stride int
}

// each goes over all sessions. What comes or changes in a pause may be passed
// by, or not.
func (t *table) each(f func(conn uint64, e *entry)) {
	n := 0
	for conn, e := range t.sessions {
		f(conn, e)
		// Only here: f must not be given what a pause has made old.
		if n++; n%t.stride == 0 && t.pause != nil {
			t.pause()
		}
	}
}

func newTable() table {
	const stride = 512 // a tenth of a millisecond
	return table{sessions: map[uint64]*entry{}, origins: map[origin]*origin{}, stride: stride}
}

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

// resync takes all sessions as told by a batch that routers have never seen:
// the skipped number makes each of them ask for a dump. Nothing is cut
// meanwhile.
func (t *table) resync() {
	t.park()
	t.parked, t.resyncing = false, true
	t.resyncs++
	t.seq += 2
	t.count, t.checksum = 0, 0
	seq := t.seq
	t.each(func(conn uint64, e *entry) {
		if e.gone {
			delete(t.sessions, conn)
			return
		}
		t.doubt(e)
		e.changed, e.queued, e.sweeping = false, false, false
		if !e.hidden {
			e.need = seq
			t.add(e)
		}
	})
	t.resyncing = false
}

// doubt makes a session one that is to be verified.
func (t *table) doubt(e *entry) {
	if e.verified {
		e.verified = false
		t.unverified++
	}
}

// snapshot returns the sessions as told up to seq, those that ended since
// included. What the entries say of the sessions may be read without the lock.
// It fails where all of them were, or are about to be, told anew.
func (t *table) snapshot() (entries []*entry, seq uint64, ok bool) {
	if t.parked || t.resyncing {
		return nil, 0, false
	}
	seq, resyncs := t.seq, t.resyncs
	t.dump++
	t.dumpSeq = seq + 1 // never 0
	entries = make([]*entry, 0, t.count)
	t.each(func(_ uint64, e *entry) {
		if t.dumped(e) {
			entries = append(entries, e)
		}
	})
	entries = append(entries, t.late...)
	t.late, t.dumpSeq = nil, 0
	return entries, seq, !t.parked && t.resyncs == resyncs
}

// dumped reports whether the session belongs to the snapshot that is under way
// and is not in it yet; from now on it is.
func (t *table) dumped(e *entry) bool {
	if t.dumpSeq == 0 || e.need == 0 || e.need >= t.dumpSeq || e.dump == t.dump {
		return false
	}
	e.dump = t.dump
	return true
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
