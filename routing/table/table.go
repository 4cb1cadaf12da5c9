// Package table holds what one router knows of its users' devices: the
// records of registered devices and the live sessions, by user.
//
// It is a plain data structure: no I/O, no goroutine, no clock of its own.
// One goroutine owns it.
//
// Sessions are soft state that edges repeat: each edge numbers its batches
// from 1 and says with every batch, and with a beat each second, how many
// sessions it holds and what they sum to. What does not follow from what is
// known needs a dump, which replaces the edge's sessions at once. A lost edge
// is forgotten by marking its one slot dead, whatever it held.
package table

import (
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// MaxEpochAhead is how far a session's epoch may lie ahead of the router's
// clock. A session beyond it would win over every later one of its device.
const MaxEpochAhead = 2 * time.Second

// sweepAt is the least number of dead sessions worth a sweep.
const sweepAt = 1024

// UserID names a user.
type UserID struct{ Tenant, User string }

// DeviceID names a device.
type DeviceID struct {
	UserID
	Device string
}

// ID returns the id made of the three names.
func ID(tenant, user, device string) DeviceID {
	return DeviceID{UserID{tenant, user}, device}
}

// Device is what is known of a device: never its push token.
type Device struct {
	Name string
	// HasToken says that the device is registered with a push token.
	HasToken bool
	// Session is the live session, or none.
	Session Session
	// Background says that the session's application stands in the background
	// on a platform that stops it, Doubtful that the device let a deadline
	// pass: see SetDoubtful.
	Background, Doubtful bool
	// Lost tells of the edge that held the device's last session, if that
	// edge was lost and the device has not come back.
	Lost Lost
}

// Lost is an edge that fell silent, or came back as another process. The zero
// Lost is none.
type Lost struct {
	// Edge and Site are the edge's name and where it stands.
	Edge, Site string
	// At is when the edge was given up.
	At time.Time
}

// Table is the devices and sessions of a router. The zero value is not
// usable: see New.
type Table struct {
	users    map[UserID]*user
	edges    map[string]*slot
	records  int
	lastTick time.Time
	// lost counts the sessions of lost edges that users may still refer to.
	lost int
}

// user is a user with at least one record or session, dead ones included
// until the user is next looked at.
type user struct{ devices []entry }

type entry struct {
	name     string
	hasToken bool
	session  *session
}

// New returns an empty table.
func New() *Table {
	return &Table{users: make(map[UserID]*user), edges: make(map[string]*slot)}
}

// Device returns what is known of one device: the zero Device with its name
// when nothing is.
func (t *Table) Device(id DeviceID) Device {
	if u := t.users[id.UserID]; u != nil {
		if e := u.find(id.Device); e != nil {
			return e.device()
		}
	}
	return Device{Name: id.Device}
}

// Devices appends the user's devices that have a push token or a live
// session to dst.
func (t *Table) Devices(dst []Device, id UserID) []Device {
	u := t.users[id]
	if u == nil {
		return dst
	}
	for i := range u.devices {
		if d := u.devices[i].device(); d.HasToken || d.Session.Exists() {
			dst = append(dst, d)
		}
	}
	return dst
}

// SetRecord says whether a registered device has a push token. It reports
// whether that changed anything.
func (t *Table) SetRecord(id DeviceID, hasToken bool) bool {
	if !hasToken {
		return t.DeleteRecord(id)
	}
	e := t.entry(id)
	if e.hasToken {
		return false
	}
	e.hasToken = true
	t.records++
	return true
}

// DeleteRecord forgets a device's record. It reports whether that changed
// anything.
func (t *Table) DeleteRecord(id DeviceID) bool {
	u := t.users[id.UserID]
	if u == nil {
		return false
	}
	e := u.find(id.Device)
	if e == nil || !e.hasToken {
		return false
	}
	e.hasToken = false
	t.records--
	t.tidy(id.UserID, u)
	return true
}

// Records returns how many devices have a push token.
func (t *Table) Records() int { return t.records }

// Sessions returns how many sessions the edges hold, superseded and refused
// ones included.
func (t *Table) Sessions() int {
	n := 0
	for _, s := range t.edges {
		n += len(s.sessions)
	}
	return n
}

// entry returns the device's entry, made when it is missing.
func (t *Table) entry(id DeviceID) *entry {
	u := t.users[id.UserID]
	if u == nil {
		u = &user{}
		t.users[id.UserID] = u
	}
	if e := u.find(id.Device); e != nil {
		return e
	}
	u.tidy()
	u.devices = append(u.devices, entry{name: id.Device})
	return &u.devices[len(u.devices)-1]
}

// tidy drops what a lost edge or an ended session left behind.
func (t *Table) tidy(id UserID, u *user) {
	u.tidy()
	if len(u.devices) == 0 {
		delete(t.users, id)
	}
}

// sweep drops what lost edges left behind, once there is enough of it to pay
// for a look at every user.
func (t *Table) sweep() {
	if t.lost < sweepAt || t.lost < len(t.users)/2 {
		return
	}
	t.lost = 0
	for id, u := range t.users {
		t.tidy(id, u)
	}
}

func (u *user) find(device string) *entry {
	for i := range u.devices {
		if u.devices[i].name == device {
			return &u.devices[i]
		}
	}
	return nil
}

func (u *user) tidy() {
	kept := u.devices[:0]
	for _, e := range u.devices {
		if e.hasToken || e.live() != nil {
			kept = append(kept, e)
		}
	}
	clear(u.devices[len(kept):])
	u.devices = kept
}

func (e *entry) device() Device {
	d := Device{Name: e.name, HasToken: e.hasToken}
	if s := e.live(); s != nil {
		d.Session, d.Background, d.Doubtful = s.Session, s.background, s.doubtful
	} else if e.session != nil {
		d.Lost = e.session.slot.lost()
	}
	return d
}

// live returns the entry's session unless its edge was lost.
func (e *entry) live() *session {
	if e.session == nil || e.session.slot.dead {
		return nil
	}
	return e.session
}

// deviceOf returns the device of a session as an edge tells of it.
func deviceOf(s *linkpb.Session) DeviceID {
	return ID(s.GetTenant(), s.GetUser(), s.GetDevice())
}
