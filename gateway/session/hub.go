package session

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"time"
)

// shards is how many locks the hub's maps are spread over.
const shards = 64

// deviceKey names a device of a user.
type deviceKey struct{ tenant, user, device string }

// Hub finds sessions, for routers by number and for a new session by device.
// Its methods never block and are safe for concurrent use.
type Hub struct {
	// Static after construction.
	metrics *metrics
	answer  func([]reply)
	seed    maphash.Seed

	last    atomic.Uint64 // number of the newest session
	backs   atomic.Uint32 // how often the edge was cut off and came back
	count   atomic.Int64
	conns   [shards]shard // by number
	devices [shards]names
}

// shard is a part of the sessions.
type shard struct {
	mu       sync.RWMutex
	sessions map[uint64]*session // Guarded by mu.
}

func newHub(m *metrics, answer func([]reply)) *Hub {
	h := &Hub{metrics: m, answer: answer, seed: maphash.MakeSeed()}
	for i := range shards {
		h.conns[i].sessions = make(map[uint64]*session)
		h.devices[i].seed = h.seed
	}
	return h
}

// Count is the number of sessions.
func (h *Hub) Count() int { return int(h.count.Load()) }

func (h *Hub) conn(number uint64) *shard { return &h.conns[number%shards] }

// deviceOf is where the device's session is.
func (h *Hub) deviceOf(key deviceKey) *names {
	return &h.devices[maphash.Comparable(h.seed, key)%shards]
}

// add gives the session its number and epoch and makes it the one of its
// device. It returns the one before, for the caller to end. An epoch is also
// above that of the one before, so that this hub and the routers agree which
// of the two is newer.
func (h *Hub) add(s *session, now time.Time, previous int64) (before *session) {
	s.number = h.last.Add(1)
	d := h.deviceOf(s.device())
	d.mu.Lock()
	before = d.takeLocked(s.device())
	if before != nil {
		previous = max(previous, before.epoch)
	}
	s.epoch = nextEpoch(now, previous)
	d.putLocked(s)
	d.mu.Unlock()

	c := h.conn(s.number)
	c.mu.Lock()
	c.sessions[s.number] = s
	c.mu.Unlock()
	h.metrics.live.Set(float64(h.count.Add(1)))
	return before
}

// remove takes a session out. It must be in.
func (h *Hub) remove(s *session) {
	d := h.deviceOf(s.device())
	d.mu.Lock()
	if there := d.takeLocked(s.device()); there != nil && there != s {
		d.putLocked(there) // a newer one
	}
	d.mu.Unlock()

	c := h.conn(s.number)
	c.mu.Lock()
	delete(c.sessions, s.number)
	c.mu.Unlock()
	h.metrics.live.Set(float64(h.count.Add(-1)))
}

// find returns nil where there is no such session.
func (h *Hub) find(number uint64) *session {
	c := h.conn(number)
	c.mu.RLock()
	defer c.mu.RUnlock()
	return c.sessions[number]
}

// all returns the sessions of this moment.
func (h *Hub) all() []*session {
	out := make([]*session, 0, h.Count())
	for i := range h.conns {
		c := &h.conns[i]
		c.mu.RLock()
		for _, s := range c.sessions {
			out = append(out, s)
		}
		c.mu.RUnlock()
	}
	return out
}

// Notify passes on that kind is at version; previous is the version before it
// or 0. It answers how that stands: every notify has an answer, a repeated one
// too. While the answer is InFlight, router is told again, by
// Registry.Answer, when the device acknowledges anything of the kind or the
// session ends. That later answer can overtake this one: the greater Acked
// counts.
func (h *Hub) Notify(conn uint64, router, kind string, version, previous int64) Answer {
	return h.notify(conn, news{router: router, kind: kind, version: version, previous: previous})
}

// NotifyCalm is Notify of what the device need not be woken for: on a slow radio
// it goes with whatever is written next, which a frame of the device brings
// about; see Answer.Rides.
func (h *Hub) NotifyCalm(conn uint64, router, kind string, version, previous int64) Answer {
	return h.notify(conn, news{router: router, kind: kind, version: version, previous: previous, calm: true})
}

func (h *Hub) notify(conn uint64, n news) Answer {
	a := Answer{Conn: conn, Kind: n.kind, State: Gone, Version: n.version}
	if s := h.find(conn); s != nil {
		a = s.tell(n)
	}
	h.metrics.notifies[a.State].Inc()
	return a
}

// Back says that the edge was cut off from the routers and is no longer: a device
// whose sync failed for that is told once more of what it has not got, with the
// next notify of the kind, even if that says nothing new. It waits the longer to
// ask again, the longer the outage took.
func (h *Hub) Back() { h.backs.Add(1) }

// Heads compares heads with what the device said it has, and notifies it of
// the kinds where it is behind.
func (h *Hub) Heads(conn uint64, heads []Head) {
	if s := h.find(conn); s != nil {
		h.answer(s.heads(heads))
	}
}

// Supersede closes a session because its device has a newer one elsewhere.
func (h *Hub) Supersede(conn uint64) { h.end(conn, endSuperseded) }

// RefuseEpoch closes a session whose epoch the routers refused.
func (h *Hub) RefuseEpoch(conn uint64) { h.end(conn, endClock) }

// Surplus closes a session because its user has newer devices and is allowed
// no more.
func (h *Hub) Surplus(conn uint64) { h.end(conn, endSurplus) }

// Cut ends a session that is over because the backend said so: with 3507 one
// whose epoch is at most sessionsMs, with 3500 one whose token was issued
// before tokensS, in seconds since 1970. Others it leaves alone.
func (h *Hub) Cut(conn uint64, sessionsMs, tokensS int64) {
	s := h.find(conn)
	switch {
	case s == nil:
	case s.epoch <= sessionsMs:
		s.end(endRemoved, true)
	case s.issuedAt() < tokensS:
		s.end(endRevoked, true)
	}
}

func (h *Hub) end(conn uint64, over *ending) {
	if s := h.find(conn); s != nil {
		s.end(over, true)
	}
}
