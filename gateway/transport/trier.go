package transport

import (
	"errors"
	"net"

	"github.com/quic-go/quic-go"
)

// Trier is a Conn on which few bytes can be written by somebody who cannot
// wait, and on which reading can be waited for without a buffer: QUIC.
type Trier interface {
	Conn
	// Await returns when a Read would return at once, be it with an error. It
	// is a Read as far as concurrency goes.
	Await()
	// TryWrite writes all of p without waiting, or nothing. It reports false
	// where a Write, which waits, has to be made instead: the peer is behind,
	// or p is long, or it is time to see whether the peer takes anything at
	// all. An error is one of Write.
	TryWrite(p []byte) (done bool, err error)
}

const (
	// maxTry is the longest p that is tried.
	maxTry = 1200
	// maxTried is how much is written without waiting before a Write waits for
	// it to be on the way. A peer that acknowledges nothing could have us keep
	// any amount otherwise.
	maxTried = 16 << 10
)

// quicConn is an accepted connection.
type quicConn struct {
	conn

	tried int // Guarded by wmu: bytes, since the last Write.
}

var _ Trier = (*quicConn)(nil)

func (c *quicConn) Write(p []byte) (int, error) {
	n, err := c.conn.Write(p)
	if err == nil {
		c.wmu.Lock()
		c.tried = 0
		c.wmu.Unlock()
	}
	return n, err
}

func (c *quicConn) Await() {
	c.rmu.Lock()
	defer c.rmu.Unlock()
	if c.isClosed() {
		return
	}
	var one [1]byte
	_, _ = c.link.(*quicLink).Peek(one[:]) // the Read has the error
}

func (c *quicConn) TryWrite(p []byte) (bool, error) {
	if len(p) > maxTry || !c.wmu.TryLock() {
		if c.isClosed() {
			return true, net.ErrClosed
		}
		return false, nil
	}
	defer c.wmu.Unlock()
	if c.tried+len(p) > maxTried {
		return false, nil
	}
	if c.isClosed() {
		return true, net.ErrClosed
	}
	err := c.link.(*quicLink).TryWriteAll(p)
	if errors.Is(err, quic.ErrWouldBlock) {
		return false, nil
	}
	c.tried += len(p)
	c.wrote.Store(true)
	return true, err
}
