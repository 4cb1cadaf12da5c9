package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of CloseWithCode.
const (
	// acceptedLinger is how long an accepted connection waits in the
	// background for the device to have read the last bytes: a few round trips
	// of a bad mobile network.
	acceptedLinger = time.Second
	// dialedLinger is shorter because the caller waits for it.
	dialedLinger = 250 * time.Millisecond
	// writeGrace lets a Write that is under way at CloseWithCode finish. One
	// that is stuck behind a peer that does not read fails after it.
	writeGrace = 50 * time.Millisecond
	// maxDrain bounds what is read from a peer that goes on sending.
	maxDrain = 256 << 10
)

// link is what conn needs of one transport. conn calls Read and drain, and
// Write and closeWrite, never concurrently with one another.
type link interface {
	Read(p []byte) (int, error)
	Write(p []byte) (int, error)
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	// closeWrite sends the end of the stream behind what was written.
	closeWrite() error
	// drain reads bytes that nobody wants any more.
	drain(p []byte) (int, error)
	// finish closes everything at once and unblocks Read and Write.
	finish(code uint16, reason string) error
	remoteAddr() netip.AddrPort
	tlsState() tls.ConnectionState
}

// conn adds to a link the orderly end described in the package comment.
type conn struct {
	// Static after construction.
	link   link
	kind   Kind
	dialed bool
	// onClosed runs once, after finish. Nil for a dialed connection.
	onClosed func()
	// onWelcome; see Welcomed. Nil for a dialed connection.
	onWelcome func()

	wrote    atomic.Bool // something was written that the peer may still want
	peerDone atomic.Bool // reading failed or ended: nothing to wait for

	rmu sync.Mutex // held by Read and by the drain
	wmu sync.Mutex // held by Write and by closeWrite

	mu     sync.Mutex
	closed bool // Guarded by mu.
}

var _ Conn = (*conn)(nil)

func (c *conn) Kind() Kind                 { return c.kind }
func (c *conn) RemoteAddr() netip.AddrPort { return c.link.remoteAddr() }
func (c *conn) TLS() tls.ConnectionState   { return c.link.tlsState() }

func (c *conn) welcomed() {
	if c.onWelcome != nil {
		c.onWelcome()
	}
}

func (c *conn) Read(p []byte) (int, error) {
	if !c.rmu.TryLock() {
		if c.isClosed() {
			return 0, net.ErrClosed // not only when the drain is over
		}
		c.rmu.Lock()
	}
	defer c.rmu.Unlock()
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	n, err := c.link.Read(p)
	if err == nil {
		return n, nil
	}
	if c.isClosed() {
		return n, net.ErrClosed
	}
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		c.peerDone.Store(true)
	}
	return n, err
}

func (c *conn) Write(p []byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	c.wrote.Store(true)
	n, err := c.link.Write(p)
	if err != nil && c.isClosed() {
		err = net.ErrClosed
	}
	return n, err
}

func (c *conn) SetReadDeadline(t time.Time) error {
	return c.setDeadline(c.link.SetReadDeadline, t)
}

func (c *conn) SetWriteDeadline(t time.Time) error {
	return c.setDeadline(c.link.SetWriteDeadline, t)
}

// setDeadline keeps the caller's deadlines from undoing those of close.
func (c *conn) setDeadline(set func(time.Time) error, t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return set(t)
}

func (c *conn) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *conn) CloseWithCode(code uint16, reason string) error {
	if !c.beginClose() {
		return nil
	}
	if c.dialed {
		return c.end(dialedLinger, code, reason)
	}
	// Owned by the listener, whose Shutdown waits for onClosed.
	go func() { _ = c.end(acceptedLinger, code, reason) }()
	return nil
}

// beginClose turns callers away and sets those inside Read and Write free. It
// reports whether this call was the first.
func (c *conn) beginClose() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.closed = true
	now := time.Now()
	_ = c.link.SetReadDeadline(now.Add(-time.Second))
	_ = c.link.SetWriteDeadline(now.Add(writeGrace))
	return true
}

func (c *conn) end(linger time.Duration, code uint16, reason string) error {
	if c.onClosed != nil {
		defer c.onClosed()
	}
	deadline := time.Now().Add(linger)
	if c.closeWrite(deadline) && c.wrote.Load() && !c.peerDone.Load() {
		c.drain(deadline)
	}
	return c.link.finish(code, reason)
}

func (c *conn) closeWrite(deadline time.Time) bool {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	_ = c.link.SetWriteDeadline(deadline)
	return c.link.closeWrite() == nil
}

func (c *conn) drain(deadline time.Time) {
	c.rmu.Lock()
	defer c.rmu.Unlock()
	_ = c.link.SetReadDeadline(deadline)
	buf := make([]byte, 4<<10)
	for total := 0; total < maxDrain; {
		n, err := c.link.drain(buf)
		if err != nil {
			return
		}
		total += n
	}
}
