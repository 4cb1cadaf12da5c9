package session

import (
	"errors"
	"os"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

const (
	// maxQueued bounds the bytes of small frames that wait for a device, in
	// the main refusals of requests. One that piles up more does not read.
	maxQueued = 16 << 10
	// writeChunk is what is handed to the socket under one deadline: a TLS
	// record.
	writeChunk = 16 << 10
	// maxPooled is the greatest buffer that is kept for the next writer.
	maxPooled = 64 << 10
)

// outbox is what waits to be written to a device. It is bounded: Pong and the
// notifies are one each (of a kind), responses are bounded by the requests
// that hold their places until they are written, and frames by maxQueued.
// Guarded by the session's mu.
type outbox struct {
	writing   bool // a writer runs, and will look again before it ends
	rides     bool // a notify waits for the device's next frame; see ride.go
	frames    []byte
	pong      wire.Pong // with an interval of 0 none waits
	responses []*wire.Response
	last      *wire.Close // ends the connection once it is written
}

// queueLocked puts a small frame into the outbox. It reports an ending where
// too much waits there already.
func (s *session) queueLocked(f wire.Frame) *ending {
	if len(s.out.frames) > maxQueued {
		return endTooSlow
	}
	s.out.frames = wire.Append(s.out.frames, f)
	s.kickLocked()
	return nil
}

// kickLocked sees to it that the outbox is written.
func (s *session) kickLocked() {
	if s.out.writing {
		return
	}
	s.out.writing = true
	switch {
	case s.turning:
	case s.parks:
		s.serving.srv.writers.add(s)
	case s.tries():
		s.serving.wg.Add(1) // until the outbox is empty
		s.serving.srv.writers.add(s)
	default:
		s.serving.wg.Go(s.write)
	}
}

// write writes until the outbox is empty. It is the only one that does, as
// long as out.writing is set. It blocks only where the connection is not
// parked: on one that is, and takes no more, Drained goes on.
func (s *session) write() {
	s.writeOn(s.serving.srv.buffers.Get().(*[]byte), false)
}

// writeOn is write that has taken something out already; see take.
func (s *session) writeOn(buf *[]byte, last bool) {
	for s.send(*buf) {
		if last {
			s.written(buf)
			return
		}
		*buf, last = s.take((*buf)[:0])
	}
	// The buffer stays with what waits in it.
}

// written ends the writer's turn.
func (s *session) written(buf *[]byte) {
	s.closeIfOver()
	if cap(*buf) <= maxPooled {
		*buf = (*buf)[:0]
		s.serving.srv.buffers.Put(buf)
	}
}

// writeShared is write on one of the goroutines that all sessions share, which
// must not wait.
func (s *session) writeShared() {
	if s.parks {
		s.write()
		return
	}
	conn := s.conn.(transport.Trier)
	buf := s.serving.srv.buffers.Get().(*[]byte)
	for last := false; !last; {
		*buf, last = s.take((*buf)[:0])
		if len(*buf) == 0 {
			continue
		}
		done, err := conn.TryWrite(*buf)
		if !done {
			go func() {
				defer s.serving.wg.Done()
				s.writeOn(buf, last)
			}()
			return
		}
		if err != nil {
			s.writeFailed(err)
		}
	}
	s.written(buf)
	s.serving.wg.Done()
}

// take appends everything that waits to b; last means that the writer's turn
// ends with it. Once the session is closing, out.writing stays set: no other
// writer may start.
func (s *session) take(b []byte) (_ []byte, last bool) {
	s.lock()
	defer s.unlock()
	o := &s.out
	if s.closingLocked() {
		if o.last != nil {
			b = wire.Append(b, o.last)
			o.last = nil // whoever goes on behind a backlog comes by again
		}
		return b, true
	}
	b = append(b, o.frames...)
	o.frames = nil
	if o.pong.Interval != 0 {
		b = wire.Append(b, &o.pong)
		o.pong.Interval = 0
	}
	before := len(b)
	o.rides = false
	b = s.takeNotifiesLocked(b)
	notify := len(b) > before
	for _, r := range o.responses {
		b = wire.Append(b, r)
		s.requests.doneLocked(r.ID)
	}
	o.responses = nil
	if len(b) == 0 {
		o.writing = false
		return b, true
	}
	s.wroteLocked(notify)
	return b, false
}

func (s *session) takeNotifiesLocked(b []byte) []byte {
	for i := range s.states {
		k := &s.states[i]
		if k.pending {
			k.pending = false
			b = wire.Append(b, &wire.Notify{Kind: s.profile.kinds.Ref(k.name), Version: k.sent, Previous: k.previous})
		}
	}
	return b
}

// send writes b in chunks, each with its own deadline, so that a slow network
// has time and a device that does not read has not. It reports false where
// Drained will write the rest.
func (s *session) send(b []byte) bool {
	for len(b) > 0 {
		n := min(len(b), writeChunk)
		s.setWriteDeadline()
		if _, err := s.conn.Write(b[:n]); err != nil {
			s.writeFailed(err)
			return true
		}
		b = b[n:]
		if s.parks && s.backlog(b) {
			return false
		}
	}
	return true
}

// setWriteDeadline takes mu so as not to undo the short deadline that close
// sets.
func (s *session) setWriteDeadline() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closingLocked() {
		_ = s.conn.SetWriteDeadline(time.Now().Add(s.serving.srv.cfg.Limits.WriteTimeout))
	}
}

// writeFailed ends the session. What was written may stop inside a frame, so
// that no Close can follow; on QUIC the code is told all the same.
func (s *session) writeFailed(err error) {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		s.end(endTooSlow, false)
		return
	}
	s.end(endReset, false)
}
