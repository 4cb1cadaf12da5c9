package session

import (
	"os"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// unread is a connection whose peer does not read. It keeps no more than
// whether it was closed.
type unread struct {
	transport.Conn // nil: the rest is not asked for
	closed         bool
}

func (c *unread) Park(transport.Handler)             {}
func (c *unread) Backlog() bool                      { return true }
func (c *unread) CloseWithCode(uint16, string) error { c.closed = true; return nil }
func (c *unread) SetWriteDeadline(time.Time) error   { return nil }

// A device that did not take the last of what was written is gone, though
// nothing more is there to be written: the notifies in it are lost.
func TestGivenUpWriteEndsTheSession(t *testing.T) {
	srv := mustServer(t)
	conn := &unread{}
	s := &session{serving: &serving{srv: srv}, profile: &profile{tenant: "acme"}, conn: conn, parks: true}
	srv.hub.add(s, time.Now(), 0)
	s.lock()
	s.out.writing = true
	s.unlock()
	s.Drained(os.ErrDeadlineExceeded)
	if s.ended() != endTooSlow || srv.hub.Count() != 0 || !conn.closed {
		t.Errorf("ended %v, %d sessions, closed: %v", s.ended(), srv.hub.Count(), conn.closed)
	}
}

// ended is why the session ended, nil while it has not.
func (s *session) ended() *ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}
