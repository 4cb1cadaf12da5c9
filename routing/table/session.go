package table

import (
	"hash/maphash"
	"time"

	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// Session names a device's connection to an edge. It is a value: sessions are
// compared with ==, and one that ended can be kept, and asked for, as long as
// the caller likes. The zero Session is none.
type Session struct {
	// Conn is the connection's number at its edge.
	Conn uint64
	// Epoch orders the sessions of a device.
	Epoch int64
	slot  *slot
}

// Exists reports whether s names a session, ended ones included.
func (s Session) Exists() bool { return s.slot != nil }

// Edge returns the name and the incarnation of the session's edge.
func (s Session) Edge() (name string, incarnation int64) {
	return s.slot.name, s.slot.incarnation
}

// after reports whether s comes after o in the order of sessions: by epoch,
// then by incarnation of the edge, then by connection number. Edges with the
// same three are told apart by name.
func (s Session) after(o Session) bool {
	switch {
	case s.Epoch != o.Epoch:
		return s.Epoch > o.Epoch
	case s.slot.incarnation != o.slot.incarnation:
		return s.slot.incarnation > o.slot.incarnation
	case s.Conn != o.Conn:
		return s.Conn > o.Conn
	default:
		return s.slot.name > o.slot.name
	}
}

// session is the record of a session: 24 bytes.
type session struct {
	conn   uint64
	epoch  int64
	device uint32
	// at is the number of the edge's slot and, in the lowest byte, flags.
	at uint32
}

// The flags of a session.
const (
	// background and doubtful are what Device says.
	background = 1 << iota
	doubtful
	// superseded: a session later in order took its place; refused: its epoch
	// lies too far ahead. With neither it is its device's current one.
	superseded
	refused
	// inDump: the dump under way has named it.
	inDump

	flagBits = 8
)

func (s *session) slot() uint32 { return s.at >> flagBits }

func (s *session) value(sl *slot) Session { return Session{s.conn, s.epoch, sl} }

func (s *session) set(flag uint32, on bool) {
	if s.at &^= flag; on {
		s.at |= flag
	}
}

// Change is one thing that happened to a device: its session is new, changed
// or gone.
type Change struct {
	// Device may be cut from a large message: see DeviceID.Clone.
	Device DeviceID
	// Session is the device's session now, or none.
	Session Session
	// New says that Session was not the device's session before.
	New bool
	// From is the other edge, one that lives, whose session of the device
	// ended with this, or empty.
	From string
	// Platform is what a new session's edge says of the device; it is not kept,
	// and may be cut from a large message too.
	Platform string
}

func sum(conn uint64, id DeviceID, epoch int64) uint64 {
	return sessionsum.Of(conn, id.Tenant, id.User, id.Device, epoch)
}

// Session returns the session with this connection number at this
// incarnation of an edge, superseded ones included, and its device. The
// Session is none where there is no such.
func (t *Table) Session(edge string, incarnation int64, conn uint64) (Session, DeviceID) {
	sl := t.edges[edge]
	if sl == nil || sl.incarnation != incarnation {
		return Session{}, DeviceID{}
	}
	i := t.conn(sl, conn)
	if i == 0 {
		return Session{}, DeviceID{}
	}
	s := t.sessions.at(i)
	return s.value(sl), t.id(t.devices.at(s.device))
}

// Live reports whether s is its device's current session, at an edge that is
// there.
func (t *Table) Live(s Session) bool {
	x := t.record(s)
	return x != nil && x.at&(superseded|refused) == 0
}

// SetDoubtful notes whether the device of s let a deadline pass. A new
// session begins without doubt.
func (t *Table) SetDoubtful(s Session, doubt bool) {
	if x := t.record(s); x != nil {
		x.set(doubtful, doubt)
	}
}

// record returns what is kept of a session, or nil where it has ended.
func (t *Table) record(s Session) *session {
	if s.slot == nil || s.slot.dead {
		return nil
	}
	if i := t.conn(s.slot, s.Conn); i != 0 && t.sessions.at(i).epoch == s.Epoch {
		return t.sessions.at(i)
	}
	return nil
}

// hashConn is keyed too: an edge must not be able to slow the others down.
func (t *Table) hashConn(conn uint64) uint64 { return maphash.Comparable(t.seed, conn) }

// conn returns a slot's session by its connection number, or 0.
func (t *Table) conn(sl *slot, conn uint64) uint32 { return t.connOf(sl, conn, t.hashConn(conn)) }

func (t *Table) connOf(sl *slot, conn, hash uint64) uint32 {
	sh, tag := sl.conns.shard(hash), uint32(hash)
	for i := sh.first(tag); ; i++ {
		c := sh.candidate(i, tag)
		if c == 0 || t.sessions.at(c.ref()).conn == conn {
			return c.ref()
		}
	}
}

// add enters a session, which is prepared, and returns what it changed for the
// device, if anything. What is no session is left out: then the edge's
// count never agrees.
func (t *Table) add(sl *slot, p *told, now time.Time) (Change, bool) {
	if i := t.connOf(sl, p.conn, p.connHash); i != 0 {
		s := t.sessions.at(i)
		if s.epoch == p.epoch && t.id(t.devices.at(s.device)) == p.device {
			s.at |= inDump
			return t.update(sl, s, p)
		}
		t.drop(sl, i)
	}
	if !p.fit {
		return Change{}, false
	}
	i := t.insert(sl, p, t.enterSought(&p.seek))
	if s := t.sessions.at(i); s.epoch > now.Add(MaxEpochAhead).UnixMilli() {
		sl.mark(s, refused)
		t.refusals++
		return Change{}, false
	}
	return t.seat(sl, i, p)
}

// insert makes the record of a session.
func (t *Table) insert(sl *slot, p *told, device uint32) uint32 {
	i := t.sessions.take()
	s := t.sessions.at(i)
	*s = session{conn: p.conn, epoch: p.epoch, device: device, at: sl.number<<flagBits | inDump}
	s.set(background, p.background)
	sl.conns.shard(p.connHash).insert(newCell(p.connHash, i))
	sl.count++
	sl.sum += p.sum
	t.devices.at(device).uses += oneUse
	return i
}

// update takes over the one thing that changes in a session's life.
func (t *Table) update(sl *slot, s *session, p *told) (Change, bool) {
	if s.at&background != 0 == p.background {
		return Change{}, false
	}
	s.set(background, p.background)
	return Change{Device: p.device, Session: s.value(sl)}, s.at&(superseded|refused) == 0
}

// seat makes a session its device's, or marks it superseded.
func (t *Table) seat(sl *slot, i uint32, p *told) (Change, bool) {
	s := t.sessions.at(i)
	d := t.devices.at(s.device)
	from := ""
	if d.session != 0 {
		old := t.sessions.at(d.session)
		oldSlot := t.slots[old.slot()]
		switch {
		case oldSlot.dead:
		case old.value(oldSlot).after(s.value(sl)):
			sl.mark(s, superseded)
			return Change{}, false
		default:
			oldSlot.mark(old, superseded)
			if oldSlot != sl {
				from = oldSlot.name
			}
		}
	}
	d.session = i
	return Change{Device: p.device, Session: s.value(sl), New: true, From: from, Platform: p.platform}, true
}

// remove ends the session with this connection number, if there is one.
func (t *Table) remove(sl *slot, conn uint64) (Change, bool) {
	if i := t.conn(sl, conn); i != 0 {
		return t.drop(sl, i)
	}
	return Change{}, false
}

// drop ends a session. An older session of the device does not come back to
// its place: it was told to close, and its device most likely has left it.
func (t *Table) drop(sl *slot, i uint32) (c Change, changed bool) {
	s := t.sessions.at(i)
	d := t.devices.at(s.device)
	c.Device = t.id(d)
	sl.sum -= sum(s.conn, c.Device, s.epoch)
	sl.count--
	delete(sl.marked, s.conn)
	hash := t.hashConn(s.conn)
	sh := sl.conns.shard(hash)
	sh.delete(sh.place(newCell(hash, i)))
	return c, t.release(i)
}

// release gives a session's record back, and reports whether it was its
// device's session.
func (t *Table) release(i uint32) bool {
	s := t.sessions.at(i)
	d := t.devices.at(s.device)
	seated := d.session == i
	if seated {
		d.session = 0
	}
	d.uses -= oneUse
	t.tidy(s.device)
	t.sessions.give(i)
	return seated
}
