package session

import (
	"hash/maphash"
	"sync"
)

// names finds the session of a device. It holds nothing but the sessions, one
// chained to the other by next where their names meet: a map would take three
// times the memory, and the names themselves twelve times.
type names struct {
	// Static after construction.
	seed maphash.Seed

	mu      sync.Mutex
	buckets []*session // Guarded by mu: a power of two.
	count   int        // Guarded by mu.
}

// minBuckets is what names begins with.
const minBuckets = 8

func (n *names) bucketLocked(key deviceKey) **session {
	hash := maphash.Comparable(n.seed, key) >> 32 // the hub has used the other half
	return &n.buckets[hash&uint64(len(n.buckets)-1)]
}

// takeLocked takes the device's session out.
func (n *names) takeLocked(key deviceKey) *session {
	if n.count == 0 {
		return nil
	}
	for at := n.bucketLocked(key); *at != nil; at = &(*at).next {
		if s := *at; s.device() == key {
			*at, s.next = s.next, nil
			n.count--
			return s
		}
	}
	return nil
}

// putLocked puts a session in. Its device must have none.
func (n *names) putLocked(s *session) {
	if n.count >= len(n.buckets) {
		n.growLocked()
	}
	at := n.bucketLocked(s.device())
	s.next, *at = *at, s
	n.count++
}

func (n *names) growLocked() {
	old := n.buckets
	n.buckets = make([]*session, max(minBuckets, 2*len(old)))
	for _, first := range old {
		for s := first; s != nil; {
			next := s.next
			at := n.bucketLocked(s.device())
			s.next, *at = *at, s
			s = next
		}
	}
}
