package park

import "golang.org/x/sys/unix"

// share is what an owner may read in one turn, in bytes, and maxCalls how often
// it is called. A peer that sends faster than its owner reads would otherwise
// keep the goroutine of a loop, and hold up all others of it.
const (
	share    = 16 << 10
	maxCalls = 16
)

// Events says what happened to a socket.
type Events uint32

// What can happen.
const (
	// Readable: Read may have something, an end or an error.
	Readable Events = 1 << iota
	// Timeout: the deadline of ReadBy has passed.
	Timeout
	// Drained: what was queued has been taken, or was given up; see Backlog.
	Drained
	// Woken: somebody called Wake.
	Woken

	hangup // the peer has ended its direction, or the connection failed
)

// told are the events that are handed to the owner, once each. Whether there
// is something to read is remembered.
const told = Timeout | Drained | Woken

// Owner is whose socket it is.
type Owner interface {
	// Ready is called when something happened. See the package comment.
	Ready(Events)
}

// Wake has the owner called.
func (s *Socket) Wake() { s.wake(Woken) }

// wake calls the owner, unless a call is under way: then that one is repeated.
func (s *Socket) wake(e Events) {
	s.events.Or(uint32(e))
	if s.wakes.Add(1) == 1 {
		s.turn()
	}
}

// wakeLater is wake where the owner must not be called now.
func (s *Socket) wakeLater(e Events) {
	s.events.Or(uint32(e))
	if s.wakes.Add(1) == 1 {
		s.poller.greedy.add(s)
	}
}

// turn calls the owner until nothing has happened since. If that takes too
// much, it goes on in a turn behind the others where it does.
func (s *Socket) turn() {
	s.taken.Store(0)
	for range maxCalls {
		n := s.wakes.Load()
		s.owner.Ready(Events(s.events.And(^uint32(told))))
		if s.taken.Load() >= share {
			break
		}
		if s.wakes.CompareAndSwap(n, 0) {
			return
		}
	}
	s.poller.greedy.add(s)
}

// event takes up what epoll says.
func (s *Socket) event(mask uint32) {
	var e Events
	if mask&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		e |= Readable
	}
	if mask&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		e |= hangup
	}
	s.events.Or(uint32(e))
	w, drained := s.flush(mask)
	if drained {
		e |= Drained
	}
	switch {
	case w != nil:
		s.events.Or(uint32(e)) // for when it is parked
		w.signalAll()
	case e != 0:
		s.wake(e)
	}
}
