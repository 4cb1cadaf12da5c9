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

// unasked is how long a peer has for what is queued without a deadline.
const unasked = 20 * time.Second

// WriteBy sets by when the system must have taken what is written. What is
// queued then is given up, and nothing can be written any more. With the zero
// time, or once the time has passed, the peer has 20 s for whatever is written
// behind: crypto/tls answers key updates without its owner's doing, also to a
// peer that never reads.
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

// due is the deadline of what is about to be queued; tick is the owner's, 0 or
// passed where it is not for this.
func (p *Poller) due(tick uint32) uint32 {
	if now := time.Now(); tick < p.wheel.tickOf(now) {
		return p.wheel.tickOf(now.Add(p.unasked))
	}
	return tick
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
		e |= Timeout // Read says so, too
		if s.failLocked(os.ErrDeadlineExceeded) {
			e |= Drained
		}
	}
	s.scheduleLocked()
	return e
}
