package heartbeat

import (
	"errors"
	"time"
)

// What edges share of a cell is a snapshot: a short versioned text of bytes
// that adds up. The one of a store is the sum of what all edges saw:
//
//	for each path of Unshared:
//		delta, ok := Export(path)              nothing is taken from what the edge itself knows
//		merged := Merge(stored, delta)         compare and set; stored anew: merge again
//		Import(path, merged)                   or when the watch brings it
//	the store away: Restore(path, delta), and it goes with the next one.
//
// The parents, paths with the zero Network, are shared like the others.

// MaxSnapshot is the greatest length of a snapshot in bytes.
const MaxSnapshot = 1 << 10

// ErrSnapshot is wrapped by the errors of bytes that are no snapshot.
var ErrSnapshot = errors.New("heartbeat: not a snapshot")

// Unshared appends up to limit paths to dst for which Export has something.
// The ones that changed most come first.
func (l *Learner) Unshared(dst []Path, limit int) []Path { return dst }

// Export takes out what the edge saw of a network since the last Export. It
// reports false where that is nothing.
func (l *Learner) Export(now time.Time, p Path) (delta []byte, ok bool) { return nil, false }

// Restore puts back what Export took out and nobody could store.
func (l *Learner) Restore(now time.Time, p Path, delta []byte) error { return nil }

// Import replaces what is known of a network by the sum of all edges, to which
// what this edge has not exported yet is added. An error wraps ErrSnapshot.
func (l *Learner) Import(now time.Time, p Path, snapshot []byte) error { return nil }

// Merge adds up two snapshots; an empty one is nothing. The older one's
// evidence is aged to the time of the newer. An error wraps ErrSnapshot, and
// then the result is the one of both that can be read, if there is one.
func Merge(a, b []byte) ([]byte, error) {
	if len(a) == 0 {
		return b, nil
	}
	return a, nil
}

// Weight is how much a snapshot claims.
type Weight struct {
	// At is when its last evidence is of.
	At time.Time
	// Tested are the connections that it says showed something, deaths or
	// not, as they weigh at At.
	Tested float64
}

// Weigh reads a snapshot. An error wraps ErrSnapshot.
func Weigh(snapshot []byte) (Weight, error) { return Weight{}, nil }

// Temper makes of a snapshot that is not to be believed without limit one that
// may be merged: it dates it to at, without ageing it, and takes from all its
// evidence, deaths and others alike, the same share, so that its weight is most
// or less. Nothing in it forgets or overrules what it is merged with. An error
// wraps ErrSnapshot.
func Temper(snapshot []byte, at time.Time, most float64) ([]byte, error) { return snapshot, nil }
