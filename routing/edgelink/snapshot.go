package edgelink

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
