package session

import (
	"errors"
	"io"
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/heartbeat"
)

// end ends the session; only the first call counts. It leaves the hub at once.
// Where the device can be told, the writer delivers the Close frame, within
// closeTimeout, and then closes the connection.
func (s *session) end(over *ending, tell bool) {
	tell = tell && over.code != 0
	replies, first := s.leave(over, tell)
	if !first {
		return
	}
	srv := s.serving.srv
	srv.hub.remove(s)
	srv.answer(replies)
	srv.metrics.closed.WithLabelValues(over.reason).Inc()
	srv.cfg.Log.Debug("session closed", "conn", s.number, "tenant", s.device().tenant, "user", s.device().user,
		"device", s.device().device, "code", int(over.code), "reason", over.reason)
	if !tell {
		s.closeIfOver()
	}
}

// leave makes the session a closing one, and returns what the routers that
// wait are to be told.
func (s *session) leave(over *ending, tell bool) (replies []reply, first bool) {
	s.lock()
	defer s.unlock()
	if s.closingLocked() {
		return nil, false
	}
	s.over = over
	for i := range s.states {
		k := &s.states[i]
		for _, a := range k.asks {
			replies = append(replies, reply{a.router, Answer{Conn: s.number, Kind: k.name, State: Gone, Acked: k.acked, Version: a.version}})
		}
	}
	s.requests.cancelLocked()
	s.leaveRecordLocked()
	if s.registered {
		s.cfg().Registry.Unregister(s.number)
	}
	if tell {
		s.out.last = over.frame()
		_ = s.conn.SetWriteDeadline(time.Now().Add(closeTimeout))
		s.kickLocked()
	}
	return replies, true
}

// closeIfOver closes the connection of a session that has ended. It sets the
// reader free.
func (s *session) closeIfOver() {
	s.mu.Lock()
	over := s.over
	s.closed = over != nil
	s.mu.Unlock()
	if over != nil {
		_ = s.conn.CloseWithCode(uint16(over.code), over.text)
	}
}

// readEnding is the ending for an error of the reader that is no deadline.
func readEnding(err error) *ending {
	if _, _, told := transport.CodeFromError(err); told || errors.Is(err, io.EOF) {
		return endPeer
	}
	if errors.Is(err, transport.ErrDeaf) {
		return endTooSlow
	}
	var frame *wire.FrameError
	switch {
	case errors.Is(err, wire.ErrTooLarge):
		return endTooLarge.with(err.Error())
	case errors.As(err, &frame):
		return endMalformed.with(err.Error())
	}
	return endReset
}

// readFailed decides what an error of the reader means. A deadline is no error
// by itself: it is set for whatever is due next.
func (s *session) readFailed(err error) *ending {
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return readEnding(err)
	}
	if !s.parks && !s.tries() || s.now() >= s.armed {
		s.armed = 0
	}
	return s.overdue()
}

// network is what an ending says of the network.
func (e *ending) network() heartbeat.Ending {
	switch e {
	case endIdle:
		return heartbeat.EndIdle
	case endReset:
		return heartbeat.EndReset
	case endSuperseded:
		return heartbeat.EndReplaced
	}
	return heartbeat.EndOther
}
