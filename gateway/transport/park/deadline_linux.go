package park

import (
	"os"
	"time"
)

// ReadBy sets the deadline of Read where it waits, and otherwise when the
// owner is told Timeout, once. The zero time means never.
func (s *Socket) ReadBy(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waiterLocked(); w != nil {
		w.readBy = t
		signal(w.readable)
		return
	}
	s.readDue = s.poller.wheel.tickOf(t)
	s.scheduleLocked()
}

// WriteBy sets by when the system must have taken what is written. What is
// queued then is given up, and nothing can be written any more. The zero time
// means never.
func (s *Socket) WriteBy(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if w := s.waiterLocked(); w != nil {
		w.writeBy = t
		signal(w.writable)
		return
	}
	s.writeDue = s.poller.wheel.tickOf(t)
	s.scheduleLocked()
}

// scheduleLocked sees to it that the wheel comes by in time.
func (s *Socket) scheduleLocked() {
	due := s.readDue
	if s.writeDue != 0 && s.queuedLocked() && (due == 0 || s.writeDue < due) {
		due = s.writeDue
	}
	if s.waiterLocked() != nil || s.closed || due == 0 || s.entry != 0 && s.entry <= due {
		return
	}
	s.entry = s.poller.wheel.add(s.fd, due)
}

// expire is the wheel coming by at a tick.
func (s *Socket) expire(at uint32) {
	if e := s.due(at); e != 0 {
		s.wake(e)
	}
}

func (s *Socket) due(at uint32) (e Events) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// Another entry is an earlier one's, or that of who had the descriptor.
	if s.entry != at || s.closed {
		return 0
	}
	s.entry = 0
	if s.readDue != 0 && s.readDue <= at {
		s.readDue = 0
		e |= Timeout
	}
	if s.writeDue != 0 && s.writeDue <= at && s.queuedLocked() {
		if s.failLocked(os.ErrDeadlineExceeded) {
			e |= Drained
		}
	}
	s.scheduleLocked()
	return e
}
