package park

import (
	"io"
	"net"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Read reads. See the package comment for when it waits.
func (s *Socket) Read(p []byte) (int, error) {
	for {
		w, by, err := s.beginRead()
		if err != nil {
			return 0, err
		}
		if w == nil && s.taken.Load() >= share {
			s.endUse()
			return 0, os.ErrDeadlineExceeded // the next turn goes on
		}
		n, err := s.read(p)
		s.endUse()
		if w == nil && n > 0 {
			s.taken.Add(uint32(n))
		}
		if n > 0 || err != nil && err != unix.EAGAIN {
			return n, err
		}
		if w == nil {
			return 0, os.ErrDeadlineExceeded
		}
		if err := await(w.readable, by); err != nil {
			return 0, err
		}
	}
}

func (s *Socket) beginRead() (w *waiter, by time.Time, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, by, net.ErrClosed
	}
	if w = s.waiterLocked(); w != nil {
		if by = w.readBy; passed(by) {
			return nil, by, os.ErrDeadlineExceeded
		}
	}
	if w == nil && s.givenUpLocked() {
		return nil, by, ErrBacklog
	}
	s.uses++
	return w, by, nil
}

// read asks the system only where epoll said something since it last had
// nothing: after a read that was not filled there is nothing more, unless the
// peer has ended, which is told once only.
func (s *Socket) read(p []byte) (int, error) {
	if s.events.And(^uint32(Readable))&uint32(Readable) == 0 {
		return 0, unix.EAGAIN
	}
	n, err := unix.Read(int(s.fd), p)
	for err == unix.EINTR {
		n, err = unix.Read(int(s.fd), p)
	}
	if err == unix.EAGAIN {
		return 0, err
	}
	if err != nil {
		s.events.Or(uint32(Readable))
		return 0, os.NewSyscallError("read", err)
	}
	if n == len(p) || n == 0 || Events(s.events.Load())&hangup != 0 {
		s.events.Or(uint32(Readable))
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}
