package edgelink

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

// live returns a session that has not ended.
func (t *table) live(conn uint64) *entry {
	if e := t.sessions[conn]; e != nil && !e.gone {
		return e
	}
	return nil
}
