package table

import (
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// Session is a device's connection to an edge.
type Session struct {
	// Static after construction.
	Conn   uint64
	Device DeviceID
	Epoch  int64
	slot   *slot

	// Background says that the application stands in the background on a
	// platform that stops it.
	Background bool
	// Doubtful says that the device let a deadline pass: it is pushed at once
	// until it acknowledges. The owner of the table sets it; a new session
	// begins without it.
	Doubtful bool

	standing standing
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
func (s *Session) Edge() (name string, incarnation int64) {
	return s.slot.name, s.slot.incarnation
}

// Live reports whether the session is its device's current one, at an edge
// that is there.
func (s *Session) Live() bool {
	return s.standing == current && !s.slot.dead && s.slot.sessions[s.Conn] == s
}

// after reports whether s comes after o in the order of sessions: by epoch,
// then by incarnation of the edge, then by connection number. Edges with the
// same three are told apart by name.
func (s *Session) after(o *Session) bool {
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

func (s *Session) sum() uint64 {
	return sessionsum.Of(s.Conn, s.Device.Tenant, s.Device.User, s.Device.Device, s.Epoch)
}

// same reports whether p tells of this very session; only its background
// state may differ.
func (s *Session) same(p *linkpb.Session) bool {
	return s.Epoch == p.GetEpoch() && s.Device == deviceOf(p)
}

// Change is one thing that happened to a device: its session is new, changed
// or gone.
type Change struct {
	Device DeviceID
	// Session is the device's session now, or nil.
	Session *Session
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
	s := &Session{Conn: p.GetConn(), Device: deviceOf(p), Epoch: p.GetEpoch(), Background: p.GetBackground(), slot: sl}
	sl.sessions[s.Conn] = s
	sl.sum += s.sum()
	if s.Epoch > now.Add(MaxEpochAhead).UnixMilli() {
		sl.mark(s, refused)
		return Change{}, false
	}
	return t.seat(s)
}

// update takes over the one thing that changes in a session's life.
func (t *Table) update(s *Session, p *linkpb.Session) (Change, bool) {
	if s.Background == p.GetBackground() {
		return Change{}, false
	}
	s.Background = p.GetBackground()
	return Change{Device: s.Device, Session: s}, s.standing == current
}

// seat makes s its device's session, or marks it superseded.
func (t *Table) seat(s *Session) (Change, bool) {
	e := t.entry(s.Device)
	old := e.live()
	if old != nil && old.after(s) {
		s.slot.mark(s, superseded)
		return Change{}, false
	}
	if old != nil {
		old.slot.mark(old, superseded)
	}
	e.session = s
	return Change{Device: s.Device, Session: s, New: true}, true
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
func (t *Table) drop(sl *slot, s *Session) (Change, bool) {
	delete(sl.sessions, s.Conn)
	delete(sl.marked, s.Conn)
	sl.sum -= s.sum()
	return t.unseat(s)
}

func (t *Table) unseat(s *Session) (Change, bool) {
	u := t.users[s.Device.UserID]
	if u == nil {
		return Change{}, false
	}
	e := u.find(s.Device.Device)
	if e == nil || e.session != s {
		return Change{}, false
	}
	e.session = nil
	t.tidy(s.Device.UserID, u)
	return Change{Device: s.Device}, true
}
