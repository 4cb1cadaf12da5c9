package session

import (
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// A session on a connection that is parked has no goroutine. The connection
// calls Ready and Drained instead, never both at once; see transport.Handler.
var _ transport.Handler = (*session)(nil)

// Ready reads and handles the frames that have come, and then writes what is
// there to be answered, at one go.
func (s *session) Ready() {
	srv := s.serving.srv
	if s.reader == nil {
		s.reader = srv.readers.Get().(*wire.Reader)
		s.reader.Reset(s.conn, s.cfg().Limits.MaxFrame)
	}
	mine := s.beginTurn()
	for s.arm() && s.step() {
	}
	s.arm() // for what the last step did
	if s.endTurn(mine) {
		s.write()
	}
	if s.reader.Idle() {
		srv.readers.Put(s.reader)
		s.reader = nil
	}
	s.finish()
}

// beginTurn keeps writers from being started until endTurn, unless there is
// one, or somebody else has a turn: then the turn is not the caller's.
func (s *session) beginTurn() (mine bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.beginTurnLocked()
}

// beginTurnLocked needs no busy: a session without one writes nothing.
func (s *session) beginTurnLocked() (mine bool) {
	mine = !s.turning && (s.busy == nil || !s.out.writing)
	s.turning = s.turning || mine
	return mine
}

// endTurn ends the caller's turn, if it is one. It reports whether the caller
// has to write what there is by now.
func (s *session) endTurn(mine bool) (write bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.endTurnLocked(mine)
}

func (s *session) endTurnLocked(mine bool) (write bool) {
	if !mine {
		return false
	}
	s.turning = false
	return s.busy != nil && s.out.writing
}

// finish ends the session's part of Serve, once its connection is closed.
func (s *session) finish() {
	if s.finished || !s.isClosed() {
		return
	}
	s.finished = true
	s.closeView()
	s.serving.wg.Done()
}

func (s *session) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}

// backlog reports whether the connection takes no more for now. Then Drained
// writes rest, and what came meanwhile.
func (s *session) backlog(rest []byte) bool {
	s.stuck = rest
	if s.conn.(transport.Parker).Backlog() {
		return true
	}
	s.stuck = nil
	return false
}

// Drained goes on to write. Where what waited was given up there may be nothing
// more to write that would tell so, and routers count on it.
func (s *session) Drained(err error) {
	rest := s.stuck
	s.stuck = nil
	if err != nil {
		s.writeFailed(err)
		rest = nil
	}
	if s.send(rest) {
		s.write()
	}
}
