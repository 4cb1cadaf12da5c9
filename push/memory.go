package push

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"
)

// memory is what the worker keeps of a key between two of its jobs: the last
// version that was pushed and how often an attempt failed. It is bounded and
// only a help: a forgotten entry costs a repeated push or a shorter back-off.
type memory struct {
	// Static after construction.
	max  int
	seed maphash.Seed

	// Guarded by mu.
	mu    sync.Mutex
	byKey map[key]*list.Element
	order *list.List // front: used last; of *remembered
}

type remembered struct {
	key          key
	pushed       int64  // the last version that the provider took
	token        uint64 // hash of the token it was sent to
	ours, theirs failures
	returned     bool  // an earlier job was sent back
	passed       bool  // an earlier job was not this worker's any more when it was due
	gathered     int64 // the version of a job that was sent back only for want of room
	unknownSince time.Time
	// fetchesSince is since when the device has been found fetching.
	fetchesSince time.Time
	// waitsSince is the time of the oldest event whose job was sent back
	// unpushed: a newer job may take the place of that one in the queue.
	waitsSince time.Time
}

func newMemory(size int) *memory {
	return &memory{max: size, seed: maphash.MakeSeed(), byKey: map[key]*list.Element{}, order: list.New()}
}

// told reports whether this version, or a newer one, was pushed to this token.
func (m *memory) told(k key, token string, version int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byKey[k]
	if e == nil {
		return false
	}
	r := e.Value.(*remembered)
	return r.pushed >= version && r.token == maphash.String(m.seed, token)
}

// pushedNow remembers a version that was taken; failures are forgotten.
func (m *memory) pushedNow(k key, token string, version int64) {
	m.change(k, func(r *remembered) {
		*r = remembered{key: k, pushed: version, token: maphash.String(m.seed, token)}
	})
}

// weFailed counts one more failure of hawser's own side and returns how long to
// wait, theyFailed one of the provider's, at most the given time.
func (m *memory) weFailed(k key, now time.Time) (wait time.Duration) {
	m.change(k, func(r *remembered) { wait = r.ours.wait(now, oursMax) })
	return wait
}

func (m *memory) theyFailed(k key, now time.Time, most time.Duration) (wait time.Duration) {
	m.change(k, func(r *remembered) { wait = r.theirs.wait(now, most) })
	return wait
}

// unknown returns for how long the device's presence has been unknown.
func (m *memory) unknown(k key, now time.Time) (since time.Duration) {
	m.change(k, func(r *remembered) {
		if r.unknownSince.IsZero() {
			r.unknownSince = now
		}
		since = now.Sub(r.unknownSince)
	})
	return since
}

// fetching returns for how long the device has been found fetching. It ends the
// time of unknown presence, which itself ends no time of fetching.
func (m *memory) fetching(k key, now time.Time) (since time.Duration) {
	m.change(k, func(r *remembered) {
		r.unknownSince = time.Time{}
		if r.fetchesSince.IsZero() {
			r.fetchesSince = now
		}
		since = now.Sub(r.fetchesSince)
	})
	return since
}

// known ends the times of unknown presence and of fetching.
func (m *memory) known(k key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.byKey[k]; e != nil {
		r := e.Value.(*remembered)
		r.unknownSince, r.fetchesSince = time.Time{}, time.Time{}
	}
}

// settled forgets failures and keeps the pushed version.
func (m *memory) settled(k key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byKey[k]
	if e == nil {
		return
	}
	r := e.Value.(*remembered)
	r.ours, r.theirs, r.returned, r.passed = failures{}, failures{}, false, false
	r.unknownSince, r.fetchesSince, r.waitsSince = time.Time{}, time.Time{}, time.Time{}
}

// sentBack remembers that a job of this key, or a newer one in its place, will
// return: it was gathered already, and its event waits.
func (m *memory) sentBack(k key, eventAt time.Time) {
	m.change(k, func(r *remembered) {
		r.returned = true
		if r.waitsSince.IsZero() || eventAt.Before(r.waitsSince) {
			r.waitsSince = eventAt
		}
	})
}

// passedOver remembers that a job of this key was gathered in vain: a newer one
// took its place.
func (m *memory) passedOver(k key) { m.change(k, func(r *remembered) { r.passed = true }) }

// gathered remembers that the job of a version returns as soon as there is room.
func (m *memory) gathered(k key, version int64) {
	m.change(k, func(r *remembered) { r.gathered = version })
}

// waitsSince returns the time of the oldest event that waits for a push of
// this key, at most eventAt.
func (m *memory) waitsSince(k key, eventAt time.Time) time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.byKey[k]; e != nil {
		if since := e.Value.(*remembered).waitsSince; !since.IsZero() && since.Before(eventAt) {
			return since
		}
	}
	return eventAt
}

// returns reports whether an earlier job of this key was sent back and not
// settled since, passed whether one was passed over or this very version was
// gathered.
func (m *memory) returns(k key, version int64) (returned, passed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byKey[k]
	if e == nil {
		return false, false
	}
	r := e.Value.(*remembered)
	return r.returned, r.passed || r.gathered == version
}

func (m *memory) change(k key, f func(*remembered)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.byKey[k]
	if e == nil {
		e = m.order.PushFront(&remembered{key: k})
		m.byKey[k] = e
		m.evictLocked()
	} else {
		m.order.MoveToFront(e)
	}
	f(e.Value.(*remembered))
}

func (m *memory) evictLocked() {
	if m.order.Len() <= m.max {
		return
	}
	last := m.order.Back()
	delete(m.byKey, last.Value.(*remembered).key)
	m.order.Remove(last)
}
