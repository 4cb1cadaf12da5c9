// Package table holds what one router knows of its users' devices: the
// records of registered devices and the live sessions, by user.
//
// It is a plain data structure: no I/O, no goroutine, no clock of its own.
// One goroutine owns it.
//
// Sessions are soft state that edges repeat: each edge numbers its batches
// from 1 and says with every batch, and with a beat each second, how many
// sessions it holds and what they sum to. What does not follow from what is
// known needs a dump, which replaces the edge's sessions. A lost edge is
// forgotten by marking its one slot dead, whatever it held.
//
// # Memory
//
// A router holds millions of devices, so nothing that is kept a device has a
// pointer: the garbage collector does not look at it. A device is a record of
// 48 bytes, a session one of 24, and each user and each session has a cell of
// about 10 bytes in an index. Names that are UUIDs, 32 hexadecimal digits, or
// of at most 21 characters are part of the record; others take 8 to 64 bytes
// beside it. Names are compared whole: the hashes only find them. Records and
// places are used again when they are free, and not returned to the system.
package table

import (
	"hash/maphash"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// MaxEpochAhead is how far a session's epoch may lie ahead of the router's
// clock. A session beyond it would win over every later one of its device.
const MaxEpochAhead = 2 * time.Second

// userShards is the binary logarithm of the number of arrays that users are
// found by: with 10 million users each of them holds 40 thousand.
const userShards = 8

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

// Clone returns the same id, for keeping: without what its names were cut
// from.
func (d DeviceID) Clone() DeviceID {
	return ID(strings.Clone(d.Tenant), strings.Clone(d.User), strings.Clone(d.Device))
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
	// edge was lost less than LostFor ago and the device has not come back.
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
	// Static after construction.
	seed maphash.Seed

	devices  slab[device]
	sessions slab[session]
	users    index
	tenants  tenants
	arena    arena

	edges map[string]*slot
	// slots are the edges by number, lost ones included while sessions refer
	// to them; graves are those lost ones, oldest first.
	slots     []*slot
	freeSlots []uint32
	graves    []*slot

	records  int
	refusals uint64
	lastTick time.Time

	// Scratch of prepare.
	touched cell
	sums    []uint64
	summer  sessionsum.Batch
}

// New returns an empty table.
func New() *Table {
	return &Table{
		seed: maphash.MakeSeed(), users: newIndex(userShards),
		tenants: tenants{numbers: make(map[string]uint32)}, edges: make(map[string]*slot),
	}
}

// Device returns what is known of one device: the zero Device with its name
// when nothing is.
func (t *Table) Device(id DeviceID) Device {
	if _, d := t.lookup(id); d != nil {
		return t.describe(d, id.Device)
	}
	return Device{Name: id.Device}
}

// Devices appends the user's devices that have a push token or a live
// session to dst.
func (t *Table) Devices(dst []Device, id UserID) []Device {
	var s seek
	if !t.seekUser(&s, id) {
		return dst
	}
	for i := t.head(&s); i != 0; {
		d := t.devices.at(i)
		if x := t.describe(d, ""); x.HasToken || x.Session.Exists() {
			x.Name = t.name(d)
			dst = append(dst, x)
		}
		i = d.next
	}
	return dst
}

func (t *Table) describe(d *device, name string) Device {
	x := Device{Name: name, HasToken: d.uses&hasToken != 0}
	if d.session == 0 {
		return x
	}
	s := t.sessions.at(d.session)
	if sl := t.slots[s.slot()]; sl.dead {
		x.Lost = sl.lost()
	} else {
		x.Session, x.Background, x.Doubtful = s.value(sl), s.at&background != 0, s.at&doubtful != 0
	}
	return x
}

// SetRecord says whether a registered device has a push token. It reports
// whether that changed anything.
func (t *Table) SetRecord(id DeviceID, has bool) bool {
	if !has {
		return t.DeleteRecord(id)
	}
	i := t.enter(id)
	if i == 0 || t.devices.at(i).uses&hasToken != 0 {
		return false
	}
	t.devices.at(i).uses |= hasToken
	t.records++
	return true
}

// DeleteRecord forgets a device's record. It reports whether that changed
// anything.
func (t *Table) DeleteRecord(id DeviceID) bool {
	i, d := t.lookup(id)
	if d == nil || d.uses&hasToken == 0 {
		return false
	}
	d.uses &^= hasToken
	t.records--
	t.tidy(i)
	return true
}

// Records returns how many devices have a push token.
func (t *Table) Records() int { return t.records }

// Refusals returns how many sessions were refused for their epoch since the
// start.
func (t *Table) Refusals() uint64 { return t.refusals }

// Sessions returns how many sessions the edges hold, superseded and refused
// ones included.
func (t *Table) Sessions() int {
	n := 0
	for _, s := range t.edges {
		n += s.count
	}
	return n
}
