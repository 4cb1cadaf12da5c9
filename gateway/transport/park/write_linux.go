package park

import (
	"errors"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// maxQueue bounds what is queued for a peer that does not read, in bytes. A
// handshake's answer and one TLS record are less.
const maxQueue = 64 << 10

// ErrBacklog is the error of writing to a peer that does not read, and of
// reading from it once what was written has been given up.
var ErrBacklog = errors.New("the peer does not take what is written")

// queuedLocked reports whether something waits to be written.
func (s *Socket) queuedLocked() bool { return s.act != nil && len(s.act.queue) > 0 }

// failedLocked is why nothing can be written any more.
func (s *Socket) failedLocked() error {
	if s.act == nil {
		return nil
	}
	return s.act.err
}

// givenUpLocked reports whether the peer did not take what was written. Who
// writes on the owner's behalf, as crypto/tls does, may have nobody to tell.
func (s *Socket) givenUpLocked() bool {
	err := s.failedLocked()
	return err == ErrBacklog || err == os.ErrDeadlineExceeded
}

// failLocked gives up what is queued. It reports whether the owner waits.
func (s *Socket) failLocked(err error) (drained bool) {
	a := s.activeLocked()
	drained = a.notify
	a.queue, a.err, a.notify = nil, err, false
	return drained
}

// flush writes what is queued, where the system says that it can be. It
// reports whether the owner waits for that, and who waits.
func (s *Socket) flush(mask uint32) (w *waiter, drained bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queuedLocked() && !s.closed && mask&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 {
		drained = s.flushLocked()
	}
	return s.waiterLocked(), drained
}

func (s *Socket) flushLocked() (drained bool) {
	a := s.act
	n, err := write(s.fd, a.queue)
	switch {
	case err != nil:
		return s.failLocked(err)
	case n < len(a.queue):
		a.queue = a.queue[n:]
		return false
	}
	drained = a.notify
	a.queue, a.notify = nil, false
	s.restLocked()
	if s.fin {
		_ = unix.Shutdown(int(s.fd), unix.SHUT_WR)
	}
	return drained
}

// Write writes or queues all of p.
func (s *Socket) Write(p []byte) (int, error) {
	n, drained, err := s.writeOrQueue(p)
	if drained {
		s.wakeLater(Drained) // the caller may hold what the owner needs
	}
	return n, err
}

// writeOrQueue reports, too, whether the owner waits for what was given up.
func (s *Socket) writeOrQueue(p []byte) (n int, drained bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.fin {
		return 0, false, net.ErrClosed
	}
	rest := p
	if !s.queuedLocked() && s.failedLocked() == nil {
		n, err := write(s.fd, p)
		if err != nil {
			return 0, s.failLocked(err), err
		}
		if n == len(p) {
			return n, false, nil
		}
		rest = p[n:]
		s.writeDue = s.poller.due(s.writeDue)
	}
	a := s.activeLocked()
	if a.err == nil && len(a.queue) > maxQueue {
		drained = s.failLocked(ErrBacklog)
	}
	if a.err != nil {
		return 0, drained, a.err
	}
	a.queue = append(a.queue, rest...)
	s.scheduleLocked()
	return len(p), false, nil
}

// write writes what the system takes.
func write(fd int32, p []byte) (n int, err error) {
	for n < len(p) {
		m, err := unix.Write(int(fd), p[n:])
		switch err {
		case nil:
			n += m
		case unix.EINTR:
		case unix.EAGAIN:
			return n, nil
		default:
			return n, os.NewSyscallError("write", err)
		}
	}
	return n, nil
}

// Backlog reports whether something that was written is still queued. If it
// is, the owner is told Drained once it is not.
func (s *Socket) Backlog() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.queuedLocked() || s.closed {
		return false
	}
	s.act.notify = true
	return true
}

// Failed is why nothing can be written any more, nil while something can.
func (s *Socket) Failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failedLocked()
}

// CloseWrite ends the stream behind what is queued.
func (s *Socket) CloseWrite() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.fin {
		return
	}
	s.fin = true
	if !s.queuedLocked() {
		_ = unix.Shutdown(int(s.fd), unix.SHUT_WR)
	}
}
