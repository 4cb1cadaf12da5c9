package park

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxQueue bounds what is queued for a peer that does not read, in bytes. A
// handshake's answer and one TLS record are less.
const maxQueue = 64 << 10

// share is what an owner may read in one turn, in bytes, and maxCalls how often
// it is called. A peer that sends faster than its owner reads would otherwise
// keep the goroutine of a loop, and hold up all others of it.
const (
	share    = 16 << 10
	maxCalls = 16
)

// ErrBacklog is the error of writing to a peer that does not read, and of
// reading from it once what was written has been given up.
var ErrBacklog = errors.New("the peer does not take what is written")

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

// Socket is a TCP socket. The zero value becomes one by Open. Read may be
// called by one goroutine at a time, everything else by many.
type Socket struct {
	// Static after Open.
	poller *Poller
	owner  Owner
	fd     int32

	events atomic.Uint32 // of type Events
	wakes  atomic.Uint32 // that Ready has not been called for; see wake

	mu sync.Mutex

	// Guarded by mu.
	entry    uint32  // the tick of the entry in the wheel, 0: none
	act      *active // nil: parked, and nothing is queued and nothing failed
	readDue  uint32  // ticks, 0: never
	writeDue uint32
	uses     int16 // system calls under way outside mu
	closed   bool
	fin      bool // the end of the stream follows what is queued

	taken atomic.Uint32 // bytes read in this turn, once parked; see share
}

// active is what a socket needs only now and then.
type active struct {
	wait   *waiter // nil: parked
	queue  []byte  // what waits to be written
	err    error   // nothing can be written any more
	notify bool    // the owner waits for Drained
}

// waiterLocked is nil where the socket is parked.
func (s *Socket) waiterLocked() *waiter {
	if s.act == nil {
		return nil
	}
	return s.act.wait
}

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

// activeLocked is act, made where there is none.
func (s *Socket) activeLocked() *active {
	if s.act == nil {
		s.act = new(active)
	}
	return s.act
}

// restLocked drops act where it says nothing.
func (s *Socket) restLocked() {
	if a := s.act; a != nil && a.wait == nil && len(a.queue) == 0 && a.err == nil {
		s.act = nil
	}
}

// failLocked gives up what is queued. It reports whether the owner waits.
func (s *Socket) failLocked(err error) (drained bool) {
	a := s.activeLocked()
	drained = a.notify
	a.queue, a.err, a.notify = nil, err, false
	return drained
}

// Open makes the socket one of the poller's. It takes over fd, which must be
// non-blocking; on an error fd is closed.
func (s *Socket) Open(p *Poller, fd int, owner Owner) error {
	s.poller, s.owner, s.fd, s.act = p, owner, int32(fd), &active{wait: newWaiter()}
	s.events.Store(uint32(Readable))
	if err := p.watch(s); err != nil {
		_ = unix.Close(fd)
		s.closed, s.fd = true, -1
		return err
	}
	return nil
}

// Park ends the time in which Read waits. From now on the owner is called, for
// the first time before Park returns. Whoever waits is set free.
func (s *Socket) Park() {
	s.mu.Lock()
	w := s.waiterLocked()
	if w != nil {
		s.act.wait = nil
		s.restLocked()
		s.readDue, s.writeDue = s.poller.wheel.tickOf(w.readBy), s.poller.wheel.tickOf(w.writeBy)
		if s.queuedLocked() {
			s.writeDue = s.poller.due(s.writeDue)
		}
		s.scheduleLocked()
	}
	s.mu.Unlock()
	if w != nil {
		w.signalAll()
	}
	s.wake(Woken)
}

// Parked reports whether Park has been called.
func (s *Socket) Parked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.waiterLocked() == nil
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

// endUse closes the descriptor if Close came meanwhile: another connection may
// have its number from then on.
func (s *Socket) endUse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses--
	s.closeLocked()
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

// Close closes the connection at once and drops what is queued. The owner is
// not called for it.
func (s *Socket) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if w := s.waiterLocked(); w != nil {
		w.signalAll()
	}
	s.closeLocked()
	return nil
}

func (s *Socket) closeLocked() {
	if s.closed && s.uses == 0 && s.fd >= 0 {
		_ = s.poller.table.set(s.fd, nil)
		_ = unix.Close(int(s.fd))
		s.fd = -1
	}
}

// Abort closes with a reset.
func (s *Socket) Abort() {
	_ = s.Control(func(fd int) error {
		return unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &unix.Linger{Onoff: 1})
	})
	_ = s.Close()
}

// Control calls f with the descriptor, which is open as long as f runs.
func (s *Socket) Control(f func(fd int) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return net.ErrClosed
	}
	return f(int(s.fd))
}

// Remote is the peer's address, zero where the connection is gone.
func (s *Socket) Remote() (a netip.AddrPort) {
	_ = s.Control(func(fd int) error {
		// Package unix would ask for the protocol, too.
		peer, err := syscall.Getpeername(fd)
		if err == nil {
			a = addrPort(peer)
		}
		return err
	})
	return a
}

func addrPort(a syscall.Sockaddr) netip.AddrPort {
	switch a := a.(type) {
	case *syscall.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *syscall.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}
