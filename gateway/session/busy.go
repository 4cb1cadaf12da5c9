package session

import (
	"encoding/binary"
	"slices"
	"time"
)

// busy is what a session has while something is under way: a notify, a
// request, a write, a record. All of it is guarded by the session's mu. A
// session where nothing is under way keeps its kinds as a few bytes without
// pointers, and hands the rest back.
type busy struct {
	states   []kindState
	requests requests
	record   record
	out      outbox
	// stuck is what Drained has to write. Owned by who writes; see
	// outbox.writing.
	stuck []byte
}

// lock locks mu and sees to it that there is a busy.
func (s *session) lock() {
	s.mu.Lock()
	if s.busy == nil {
		s.busy = s.serving.srv.busies.Get().(*busy)
		s.unpackLocked()
	}
}

// unlock unlocks mu, after it has put away what is not needed.
func (s *session) unlock() {
	if s.over == nil && s.quietLocked() {
		s.packLocked()
		b := s.busy
		s.busy = nil
		clear(b.states)
		*b = busy{states: b.states[:0]}
		s.serving.srv.busies.Put(b)
	}
	s.mu.Unlock()
}

func (s *session) quietLocked() bool {
	for i := range s.states {
		if k := &s.states[i]; k.pending || len(k.asks) > 0 {
			return false
		}
	}
	return !s.out.writing && s.requests.idle() && s.record.idle(s.now())
}

// The kinds of a quiet session, one behind the other: the number of the name
// in the tenant's list, or other and the name itself; which of the numbers
// follow; the numbers. Most often acked and sent are what is known, nothing is
// claimed, and no sync failed.
const (
	otherName = 0xff

	hasAcked = 1 << iota
	hasSent
	hasClaimed
	hasFailed
)

// packLocked turns states into quiet. Where they have not changed it
// allocates nothing.
func (s *session) packLocked() {
	var room [256]byte
	b := room[:0]
	for i := range s.states {
		b = s.appendKind(b, &s.states[i])
	}
	if s.quiet != string(b) {
		s.quiet = string(b)
	}
}

func (s *session) appendKind(b []byte, k *kindState) []byte {
	if i := slices.Index(s.profile.kinds, k.name); i >= 0 && i < otherName {
		b = append(b, byte(i))
	} else {
		b = append(b, otherName, byte(len(k.name)))
		b = append(b, k.name...)
	}
	at := len(b)
	b = append(b, 0)
	b = binary.AppendUvarint(b, uint64(k.known))
	put := func(flag byte, v int64) {
		b[at] |= flag
		b = binary.AppendVarint(b, v)
	}
	if k.acked != k.known {
		put(hasAcked, k.acked)
	}
	if k.sent != k.known {
		put(hasSent, k.sent)
	}
	if k.claimed > k.acked { // otherwise it says nothing
		put(hasClaimed, k.claimed)
		b = binary.AppendVarint(b, int64(k.claimedAt))
	}
	if k.failedIn != 0 {
		put(hasFailed, int64(k.failedIn))
	}
	return b
}

// unpackLocked is the reverse of packLocked.
func (s *session) unpackLocked() {
	q := unpacker(s.quiet)
	for len(q) > 0 {
		k := kindState{}
		if n := q.byte(); n != otherName {
			k.name = s.profile.kinds[n]
		} else {
			k.name = q.text(int(q.byte()))
		}
		has := q.byte()
		k.known = int64(q.uvarint())
		k.acked, k.sent = k.known, k.known
		if has&hasAcked != 0 {
			k.acked = q.varint()
		}
		if has&hasSent != 0 {
			k.sent = q.varint()
		}
		if has&hasClaimed != 0 {
			k.claimed = q.varint()
			k.claimedAt = time.Duration(q.varint())
		}
		if has&hasFailed != 0 {
			k.failedIn = uint32(q.varint())
		}
		s.states = append(s.states, k)
	}
}

// unpacker takes apart what packLocked made.
type unpacker string

func (u *unpacker) byte() byte { return u.text(1)[0] }

func (u *unpacker) text(n int) string {
	t := string((*u)[:n])
	*u = (*u)[n:]
	return t
}

func (u *unpacker) uvarint() (v uint64) {
	for shift := 0; ; shift += 7 {
		b := u.byte()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return v
		}
	}
}

func (u *unpacker) varint() int64 {
	v := u.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}
