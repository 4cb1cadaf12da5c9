// Package devicelimit bounds how often one device is sent to, as push services
// do: what they are sent beyond they delay, drop or hold against the
// application. A Limit says when the next message may go; it never sleeps, so
// that the message waits where it costs nothing.
package devicelimit

import (
	"hash/maphash"
	"sync"
	"time"
)

// Rate allows Burst messages at once and one more after each Every. Burst is at
// least 1.
type Rate struct {
	Burst int
	Every time.Duration
}

// PerMinute allows n messages at once, and n a minute from then on.
func PerMinute(n int) Rate { return Rate{n, time.Minute / time.Duration(n)} }

// PerHour is PerMinute for an hour.
func PerHour(n int) Rate { return Rate{n, time.Hour / time.Duration(n)} }

// Limit keeps one rate for many devices. It remembers between size and twice
// size of them, 16 bytes each and what a map adds; a forgotten device begins
// anew.
type Limit struct {
	// Static after construction.
	rate Rate
	size int
	seed maphash.Seed

	// Guarded by mu. The value is when the device would be free of everything
	// sent so far, in Unix nanoseconds.
	mu         sync.Mutex
	young, old map[uint64]int64
}

// New returns a limit that remembers at least size devices.
func New(rate Rate, size int) *Limit {
	return &Limit{rate: rate, size: size, seed: maphash.MakeSeed(), young: map[uint64]int64{}}
}

// Wait returns how long the next message to a device must wait, 0 if it may go.
func (l *Limit) Wait(token string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	free := l.freeLocked(maphash.String(l.seed, token))
	return max(0, time.Duration(free-now.UnixNano())-l.slack())
}

// Sent counts a message that the service accepted.
func (l *Limit) Sent(token string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := maphash.String(l.seed, token)
	l.setLocked(h, max(l.freeLocked(h), now.UnixNano())+int64(l.rate.Every))
}

// Hold has a device wait until then at least.
func (l *Limit) Hold(token string, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := maphash.String(l.seed, token)
	l.setLocked(h, max(l.freeLocked(h), until.Add(l.slack()).UnixNano()))
}

// slack is by how much a device may be ahead of its rate.
func (l *Limit) slack() time.Duration { return time.Duration(l.rate.Burst-1) * l.rate.Every }

func (l *Limit) freeLocked(h uint64) int64 { return max(l.young[h], l.old[h]) }

func (l *Limit) setLocked(h uint64, free int64) {
	if _, ok := l.young[h]; !ok && len(l.young) >= l.size {
		l.old, l.young = l.young, map[uint64]int64{}
	}
	l.young[h] = free
}
