package table

import (
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
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

// session is what is kept of a Session.
type session struct {
	// Static after construction.
	Session
	device DeviceID

	background, doubtful bool
	standing             standing
}

// standing is a session's place among the sessions of its device.
type standing uint8

const (
	current standing = iota
	// superseded: a session later in order took its place.
	superseded
	// refused: its epoch lies too far ahead.
	refused
)

// Edge returns the name and the incarnation of the session's edge.
func (s Session) Edge() (name string, incarnation int64) {
	return s.slot.name, s.slot.incarnation
}

// find returns what is kept of a session, or nil.
func (s Session) find() *session {
	if s.slot == nil || s.slot.dead {
		return nil
	}
	if x := s.slot.sessions[s.Conn]; x != nil && x.Session == s {
		return x
	}
	return nil
}

// Live reports whether s is its device's current session, at an edge that is
// there.
func (t *Table) Live(s Session) bool {
	x := s.find()
	return x != nil && x.standing == current
}

// SetDoubtful notes whether the device of s let a deadline pass. A new
// session begins without doubt.
func (t *Table) SetDoubtful(s Session, doubtful bool) {
	if x := s.find(); x != nil {
		x.doubtful = doubtful
	}
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

func (s *session) sum() uint64 {
	return sessionsum.Of(s.Conn, s.device.Tenant, s.device.User, s.device.Device, s.Epoch)
}

// same reports whether p tells of this very session; only its background
// state may differ.
func (s *session) same(p *linkpb.Session) bool {
	return s.Epoch == p.GetEpoch() && s.device == deviceOf(p)
}

// Change is one thing that happened to a device: its session is new, changed
// or gone.
type Change struct {
	Device DeviceID
	// Session is the device's session now, or none.
	Session Session
	// New says that Session was not the device's session before.
	New bool
}

// add enters a session that an edge tells of and returns what it changed for
// the device, if anything.
func (t *Table) add(sl *slot, p *linkpb.Session, now time.Time) (Change, bool) {
	if old := sl.sessions[p.GetConn()]; old != nil {
		if old.same(p) {
			return t.update(old, p)
		}
		t.drop(sl, old)
	}
	s := &session{
		Session: Session{Conn: p.GetConn(), Epoch: p.GetEpoch(), slot: sl},
		device:  deviceOf(p), background: p.GetBackground(),
	}
	sl.sessions[s.Conn] = s
	sl.sum += s.sum()
	if s.Epoch > now.Add(MaxEpochAhead).UnixMilli() {
		sl.mark(s, refused)
		return Change{}, false
	}
	return t.seat(s)
}

// update takes over the one thing that changes in a session's life.
func (t *Table) update(s *session, p *linkpb.Session) (Change, bool) {
	if s.background == p.GetBackground() {
		return Change{}, false
	}
	s.background = p.GetBackground()
	return Change{Device: s.device, Session: s.Session}, s.standing == current
}

// seat makes s its device's session, or marks it superseded.
func (t *Table) seat(s *session) (Change, bool) {
	e := t.entry(s.device)
	old := e.live()
	if old != nil && old.after(s.Session) {
		s.slot.mark(s, superseded)
		return Change{}, false
	}
	if old != nil {
		old.slot.mark(old, superseded)
	}
	e.session = s
	return Change{Device: s.device, Session: s.Session, New: true}, true
}

// remove ends the session with this connection number, if there is one.
func (t *Table) remove(sl *slot, conn uint64) (Change, bool) {
	s := sl.sessions[conn]
	if s == nil {
		return Change{}, false
	}
	return t.drop(sl, s)
}

// drop ends a session. An older session of the device does not come back to
// its place: it was told to close, and its device most likely has left it.
func (t *Table) drop(sl *slot, s *session) (Change, bool) {
	delete(sl.sessions, s.Conn)
	delete(sl.marked, s.Conn)
	sl.sum -= s.sum()
	return t.unseat(s)
}

func (t *Table) unseat(s *session) (Change, bool) {
	u := t.users[s.device.UserID]
	if u == nil {
		return Change{}, false
	}
	e := u.find(s.device.Device)
	if e == nil || e.session != s {
		return Change{}, false
	}
	e.session = nil
	t.tidy(s.device.UserID, u)
	return Change{Device: s.device}, true
}
