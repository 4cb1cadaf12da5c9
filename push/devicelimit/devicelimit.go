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

// Limit keeps one rate for many devices. It remembers those that are not free of
// what they were sent; a forgotten device begins anew.
type Limit struct {
	// Static after construction.
	rate Rate
	seed maphash.Seed

	mu      sync.Mutex
	devices *memory // guarded by mu
}

// New returns a limit that remembers size devices, and forgets some of those that
// are the next to be free where there are more. It grows with those it remembers,
// to 32 bytes for each of size and up to twice that.
func New(rate Rate, size int) *Limit {
	return &Limit{rate: rate, seed: maphash.MakeSeed(), devices: newMemory(2 * size)}
}

// Wait returns how long the next message to a device must wait, 0 if it may go.
func (l *Limit) Wait(token string, now time.Time) time.Duration {
	h := maphash.String(l.seed, token)
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(0, time.Duration(l.devices.free(h)-now.UnixNano())-l.slack())
}

// Sent counts a message that the service accepted.
func (l *Limit) Sent(token string, now time.Time) {
	h, n := maphash.String(l.seed, token), now.UnixNano()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.devices.put(h, max(l.devices.free(h), n)+int64(l.rate.Every), n)
}

// Hold has a device wait that long from now on at least.
func (l *Limit) Hold(token string, now time.Time, wait time.Duration) {
	h, n := maphash.String(l.seed, token), now.UnixNano()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.devices.put(h, max(l.devices.free(h), n+int64(wait+l.slack())), n)
}

// slack is by how much a device may be ahead of its rate.
func (l *Limit) slack() time.Duration { return time.Duration(l.rate.Burst-1) * l.rate.Every }
