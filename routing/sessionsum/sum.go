// Package sessionsum holds the one checksum that an edge and a router must
// compute alike: over the sessions that the edge holds and the router
// believes it holds.
//
// The checksum of a set of sessions is the sum, modulo 2^64, of Of over its
// members: the order of arrival does not matter, and one session is added or
// subtracted without a look at the others. The empty set's checksum is 0.
//
// It guards against lost and misapplied batches, not against an adversary:
// edges are trusted with their own sessions.
package sessionsum

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
	// endMark ends a name.
	endMark = 0xff
)

// Of returns the share of one session in the checksum. Whether the session
// is in the background is left out: the state changes often, and a lost
// change is seen as a gap in the batch numbers.
func Of(conn uint64, tenant, user, device string, epoch int64) uint64 {
	h := uint64(fnvOffset)
	h = addNumber(h, conn)
	h = addName(h, tenant)
	h = addName(h, user)
	h = addName(h, device)
	h = addNumber(h, uint64(epoch))
	return mix(h)
}

// addName hashes s and an end mark, so that "a","bc" differs from "ab","c".
// No name holds the mark: names match [A-Za-z0-9_-].
func addName(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return (h ^ endMark) * fnvPrime
}

func addNumber(h, n uint64) uint64 {
	for range 8 {
		h = (h ^ n&0xff) * fnvPrime
		n >>= 8
	}
	return h
}

// mix spreads every input bit over the whole word: without it the sums of
// neighbouring connection numbers would cancel each other too easily.
func mix(h uint64) uint64 {
	h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
	h = (h ^ h>>27) * 0x94d049bb133111eb
	return h ^ h>>31
}
