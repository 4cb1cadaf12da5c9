package memtransport

import (
	"crypto/tls"
	"net/netip"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// Conn is one end of a connection in memory.
//
// CloseWithCode ends both directions at once. What was written before it can
// still be read by the peer, which then gets a [transport.RemoteClose] with
// the code, as on QUIC.
type Conn struct {
	// Static after construction.
	in, out *half
	remote  netip.AddrPort
	onClose func() // nil for the device's end

	once sync.Once
	wmu  sync.Mutex // keeps the bytes of two Writes apart
}

var _ transport.Conn = (*Conn)(nil)

// Read implements transport.Conn.
func (c *Conn) Read(p []byte) (int, error) { return c.in.read(p) }

// Write implements transport.Conn.
func (c *Conn) Write(p []byte) (int, error) {
	c.wmu.Lock()
	defer c.wmu.Unlock()
	return c.out.write(p)
}

// SetReadDeadline implements transport.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.in.setDeadline(&c.in.readDeadline, t) }

// SetWriteDeadline implements transport.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.out.setDeadline(&c.out.writeDeadline, t) }

// CloseWithCode implements transport.Conn.
func (c *Conn) CloseWithCode(code uint16, reason string) error {
	c.once.Do(func() {
		err := &transport.RemoteClose{Code: code, Reason: reason}
		c.out.closeWriter(err)
		c.in.closeReader(err)
		if c.onClose != nil {
			c.onClose()
		}
	})
	return nil
}

// Kind implements transport.Conn.
func (c *Conn) Kind() transport.Kind { return transport.Mem }

// RemoteAddr implements transport.Conn. Every device has a port of its own.
func (c *Conn) RemoteAddr() netip.AddrPort { return c.remote }

// TLS implements transport.Conn with the empty state.
func (c *Conn) TLS() tls.ConnectionState { return tls.ConnectionState{} }

// BlockReads makes Read wait, whatever has arrived, until it is called with
// false. Deadlines and CloseWithCode of this end still end the wait.
func (c *Conn) BlockReads(block bool) { c.in.set(func(h *half) { h.blockReads = block }) }

// BlockWrites makes Write wait as if the buffer were full.
func (c *Conn) BlockWrites(block bool) { c.out.set(func(h *half) { h.blockWrites = block }) }

// Vanish makes the network between the two ends go away for good without a
// word: what either end writes from now on is accepted and lost, a close too,
// and nothing arrives any more.
func (c *Conn) Vanish() {
	vanish := func(h *half) { h.vanished = true }
	c.in.set(vanish)
	c.out.set(vanish)
}

// Reset ends the connection for both ends with an error that carries no code,
// as a NAT or a dead machine does.
func (c *Conn) Reset() {
	c.in.reset()
	c.out.reset()
}
