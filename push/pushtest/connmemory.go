package pushtest

import (
	"sync"
	"sync/atomic"
	"time"
)

// connMemory is what a service remembers of one connection.
type connMemory struct {
	// Static after construction.
	conn *frameConn

	// overran counts streams that the peer opened above its limit.
	overran atomic.Int64

	// Guarded by mu.
	mu      sync.Mutex
	keyID   string // of the first provider token that was good here
	current string // provider token
	former  string // the one before: requests may overtake one another
	since   time.Time
	proven  bool
	refused int // device tokens since the last one that was good
}

// present notes a good provider token and returns what Apple has against it on
// this connection: a token of another key, or one that follows the last one too
// soon.
func (m *connMemory) present(keyID, text string, now time.Time, every time.Duration) Reply {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.keyID != "" && m.keyID != keyID:
		return forbidden("UnrelatedKeyIdInToken")
	case m.current == text, m.former == text:
		return Reply{}
	case m.current != "" && now.Sub(m.since) < every:
		return Reply{Status: 429, Reason: "TooManyProviderTokenUpdates"}
	}
	m.keyID, m.former, m.current, m.since = keyID, m.current, text, now
	return Reply{}
}

// good notes a notification that was taken: the first one opens the connection
// for many at once.
func (m *connMemory) good(streams int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refused = 0
	if !m.proven {
		m.proven = true
		m.conn.allow(streams)
	}
}

// bad notes a device token that was refused: many in a row close the
// connection but for one at a time. most is 0 where they do not.
func (m *connMemory) bad(most int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.refused++; most > 0 && m.refused >= most && m.proven {
		m.proven = false
		m.conn.allow(1)
	}
}
