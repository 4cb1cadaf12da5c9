package table

import (
	"hash/maphash"
)

// device is the record of a device with a push token or a session: 48 bytes,
// of which 32 are the two names. The devices of a user form a chain; the
// index finds its head.
type device struct {
	user, name name
	// next is the user's next device, session the device's session, which
	// may be one of a lost edge; 0: none.
	next, session uint32
	// uses counts the sessions that refer to the device, superseded and lost
	// ones included, in the upper bits. The lowest says that it is registered
	// with a push token.
	uses uint32
	// who is the tenant's number and the forms of the two names.
	who uint32
}

const (
	hasToken = 1
	oneUse   = 2
)

func (d *device) tenant() uint32 { return d.who >> (2 * formBits) }
func (d *device) userForm() form { return form(d.who >> formBits % (1 << formBits)) }
func (d *device) nameForm() form { return form(d.who % (1 << formBits)) }

// seek is a user to be found, and one of its devices.
type seek struct {
	tenant         uint32
	user, device   string
	userName, name name
	userForm, form form
	hash           uint64
}

// seekUser prepares the search of a user. It reports false where none of its
// devices can be known.
func (t *Table) seekUser(s *seek, id UserID) bool {
	var known bool
	if s.tenant, known = t.tenants.find(id.Tenant); known {
		t.setUser(s, id.User)
	}
	return known && s.userForm != unfit
}

func (t *Table) setUser(s *seek, user string) {
	s.user = user
	s.userName, s.userForm = pack(user)
	s.hash = maphash.String(t.seed, user) ^ t.tenants.all[s.tenant].key
}

func (s *seek) setDevice(device string) {
	s.device = device
	s.name, s.form = pack(device)
}

// head returns the user's first device, or 0.
func (t *Table) head(s *seek) uint32 {
	sh, tag := t.users.shard(s.hash), uint32(s.hash)
	for i := sh.first(tag); ; i++ {
		c := sh.candidate(i, tag)
		if c == 0 {
			return 0
		}
		d := t.devices.at(c.ref())
		if d.tenant() == s.tenant && t.isName(d.user, d.userForm(), s.userName, s.userForm, s.user) {
			return c.ref()
		}
	}
}

// isName reports whether a kept name is the packed one, of which text is the
// whole.
func (t *Table) isName(kept name, keptForm form, packed name, f form, text string) bool {
	if f == long && keptForm == long {
		return string(t.arena.get(kept)) == text
	}
	return kept == packed && keptForm == f
}

// find returns the device with the name in s, or 0, and the user's first and
// last device.
func (t *Table) find(s *seek) (i, first, last uint32) {
	first = t.head(s)
	for at := first; at != 0; at = t.devices.at(at).next {
		d := t.devices.at(at)
		if t.isName(d.name, d.nameForm(), s.name, s.form, s.device) {
			return at, first, last
		}
		last = at
	}
	return 0, first, last
}

// lookup returns a device, or 0 and nil.
func (t *Table) lookup(id DeviceID) (uint32, *device) {
	var s seek
	if !t.seekUser(&s, id.UserID) {
		return 0, nil
	}
	s.setDevice(id.Device)
	i, _, _ := t.find(&s)
	if i == 0 {
		return 0, nil
	}
	return i, t.devices.at(i)
}

// enter returns a device, made when it is missing: the caller gives it a
// token or a session. It returns 0 for what is no name, and where there are
// too many tenants.
func (t *Table) enter(id DeviceID) uint32 {
	var s seek
	if t.seekNew(&s, id) {
		return t.enterSought(&s)
	}
	return 0
}

// seekNew prepares the search of a device that may be new. The result holds
// as long as no device is forgotten.
func (t *Table) seekNew(s *seek, id DeviceID) (ok bool) {
	if len(id.Tenant) > maxName || len(id.User) > maxName || len(id.Device) > maxName {
		return false
	}
	if s.tenant, ok = t.tenants.number(id.Tenant); ok {
		t.setUser(s, id.User)
		s.setDevice(id.Device)
	}
	return ok
}

func (t *Table) enterSought(s *seek) uint32 {
	i, first, last := t.find(s)
	if i == 0 {
		i = t.make(s, first, last)
	}
	return i
}

// make adds a device to the user's chain.
func (t *Table) make(s *seek, first, last uint32) uint32 {
	i := t.devices.take()
	d := t.devices.at(i)
	*d = device{user: s.userName, name: s.name, who: s.tenant<<(2*formBits) | uint32(s.userForm)<<formBits | uint32(s.form)}
	if s.form == long {
		d.name = t.arena.put(s.device)
	}
	t.tenants.hold(s.tenant)
	if last != 0 {
		d.user = t.devices.at(first).user // a long one is kept once
		t.devices.at(last).next = i
		return i
	}
	if s.userForm == long {
		d.user = t.arena.put(s.user)
	}
	t.users.shard(s.hash).insert(newCell(s.hash, i))
	return i
}

// tidy forgets a device that has neither a token nor a session.
func (t *Table) tidy(i uint32) {
	d := t.devices.at(i)
	if d.uses != 0 {
		return
	}
	hash := t.hash(d)
	sh := t.users.shard(hash)
	first := t.unlink(sh, hash, i)
	if first && d.next == 0 && d.userForm() == long {
		t.arena.drop(d.user)
	}
	if d.nameForm() == long {
		t.arena.drop(d.name)
	}
	t.tenants.release(d.tenant())
	t.devices.give(i)
}

// hash returns the hash of a device's user.
func (t *Table) hash(d *device) uint64 {
	var buf [maxName]byte
	return maphash.Bytes(t.seed, t.unpack(buf[:0], d.user, d.userForm())) ^ t.tenants.all[d.tenant()].key
}

// unlink takes a device out of its chain and reports whether it was the
// first. The chain is found by its members: one of the same hash leads to i.
func (t *Table) unlink(sh *shard, hash uint64, i uint32) (first bool) {
	next := t.devices.at(i).next
	if at := sh.place(newCell(hash, i)); at >= 0 {
		if next == 0 {
			sh.delete(at)
		} else {
			sh.cells[at] = newCell(hash, next)
		}
		return true
	}
	tag := uint32(hash)
	for p := sh.first(tag); ; p++ {
		c := sh.candidate(p, tag)
		if c == 0 {
			panic("table: a device is in no chain")
		}
		for d := t.devices.at(c.ref()); ; d = t.devices.at(d.next) {
			if d.next == i {
				d.next = next
				return false
			}
			if d.next == 0 {
				break
			}
		}
	}
}

func (t *Table) unpack(dst []byte, n name, f form) []byte {
	if f == long {
		return append(dst, t.arena.get(n)...)
	}
	return n.unpack(dst, f)
}

// id returns a device's names.
func (t *Table) id(d *device) DeviceID {
	var buf [2 * maxName]byte
	b := t.unpack(buf[:0], d.user, d.userForm())
	n := len(b)
	names := string(t.unpack(b, d.name, d.nameForm()))
	return ID(t.tenants.all[d.tenant()].name, names[:n], names[n:])
}

func (t *Table) name(d *device) string {
	var buf [maxName]byte
	return string(t.unpack(buf[:0], d.name, d.nameForm()))
}
