package park

import (
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

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

// endUse closes the descriptor if Close came meanwhile: another connection may
// have its number from then on.
func (s *Socket) endUse() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.uses--
	s.closeLocked()
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
