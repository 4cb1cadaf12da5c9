//go:build linux && !unparked

package transport

import (
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport/park"
)

const (
	// lingerStep is the unit of a linger's end: a duration would take twice
	// the room in each connection.
	lingerStep = 10 * time.Millisecond
	// drainStep is how much is dropped by one read after CloseWithCode.
	drainStep = 1 << 10
)

// parked is TLS on a socket of package park.
//
// Its end needs no goroutine either: after CloseWithCode it drops what still
// comes, until the peer ends, time is up, or it has sent too much.
type parked struct {
	// Static after Accept.
	listener *tcpListener
	tls      *tls.Conn

	sock  park.Socket
	place admission.Place // of the listener's Sources

	// Owned by who reads.
	shaper *shaper // nil while parked and between two records

	mu sync.Mutex

	// Guarded by mu.
	handler Handler // nil before Park and after its last call
	closed  bool    // by CloseWithCode

	// Owned by Ready.
	over     bool   // the listener has been told
	drops    uint16 // reads after CloseWithCode
	lingerBy uint32 // in lingerSteps since the listener began; guarded by mu until closed
}

var _ Parker = (*parked)(nil)

func (c *parked) Kind() Kind               { return TCP }
func (c *parked) TLS() tls.ConnectionState { return c.tls.ConnectionState() }

// RemoteAddr is what the proxy said, where there is one.
func (c *parked) RemoteAddr() netip.AddrPort {
	if c.listener != nil {
		if client, ok := c.listener.door.clients.get(c); ok {
			return client
		}
	}
	return c.sock.Remote()
}

func (c *parked) welcomed() { c.listener.cfg.Sources.Welcome(&c.place) }

func (c *parked) Read(p []byte) (int, error) {
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	n, err := c.tls.Read(p)
	switch {
	case err == nil:
	case c.isClosed():
		err = net.ErrClosed
	case errors.Is(err, park.ErrBacklog):
		err = ErrDeaf
	}
	return n, err
}

// Write hands all of p to TLS where it is parked. Elsewhere it waits piece by
// piece until the system has it.
func (c *parked) Write(p []byte) (n int, err error) {
	if c.isClosed() {
		return 0, net.ErrClosed
	}
	if c.sock.Parked() {
		n, err = c.tls.Write(p)
	} else {
		n, err = c.writeWaiting(p)
	}
	if err != nil && c.isClosed() {
		err = net.ErrClosed
	}
	return n, err
}

func (c *parked) writeWaiting(p []byte) (n int, err error) {
	const piece = 16 << 10 // a TLS record
	for n < len(p) {
		m, err := c.tls.Write(p[n:min(len(p), n+piece)])
		n += m
		if err == nil {
			err = c.sock.Drain()
		}
		if err == nil && c.isClosed() {
			err = net.ErrClosed
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

func (c *parked) SetReadDeadline(t time.Time) error  { return c.setDeadline(c.sock.ReadBy, t) }
func (c *parked) SetWriteDeadline(t time.Time) error { return c.setDeadline(c.sock.WriteBy, t) }

// setDeadline keeps the caller's deadlines from undoing that of CloseWithCode.
func (c *parked) setDeadline(set func(time.Time), t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	set(t)
	return nil
}

func (c *parked) Backlog() bool { return c.sock.Backlog() }

func (c *parked) isClosed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func (c *parked) Park(h Handler) {
	c.mu.Lock()
	c.handler = h
	c.mu.Unlock()
	c.sock.Park()
}

func (c *parked) CloseWithCode(uint16, string) error {
	end := time.Now().Add(acceptedLinger)
	if !c.beginClose(end) {
		return nil
	}
	_ = c.tls.CloseWrite() // an error leaves nothing to be said
	c.sock.CloseWrite()
	c.sock.ReadBy(end)
	c.sock.Park()
	return nil
}

// beginClose reports whether this call was the first.
func (c *parked) beginClose(end time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return false
	}
	c.closed, c.lingerBy = true, uint32(end.Sub(c.listener.start)/lingerStep)
	return true
}

// Ready implements park.Owner.
func (c *parked) Ready(e park.Events) {
	h, closed := c.turn()
	if h != nil {
		if e&park.Drained != 0 && !closed {
			h.Drained(c.sock.Failed())
		}
		h.Ready()
	}
	if closed && !c.over && c.lingered() {
		c.over = true
		_ = c.sock.Close()
		(*incoming)(c).leave(c.listener)
		c.listener.open.done()
	}
}

// turn is who has to be called. Once the connection is closed that is the last
// time.
func (c *parked) turn() (h Handler, closed bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	h = c.handler
	if c.closed {
		c.handler = nil
	}
	return h, c.closed
}

// lingered drops what has come, and reports whether that was the last of it.
// The peer that has ended may still read: it gets what is queued.
func (c *parked) lingered() bool {
	if c.lingeredLong() {
		return true
	}
	var buf [drainStep]byte
	for ; c.drops < maxDrain/drainStep; c.drops++ {
		_, err := c.sock.Read(buf[:])
		if isNothingYet(err) {
			return false
		}
		if err != nil {
			return !c.sock.Backlog()
		}
	}
	return true
}

// lingeredLong reports whether time is up. The steps begin anew after more than
// a year: their difference does not mind.
func (c *parked) lingeredLong() bool {
	return int32(uint32(time.Since(c.listener.start)/lingerStep)-c.lingerBy) >= 0
}

// parkedRaw is what crypto/tls sees of the socket. Its deadlines are not ours:
// it sets one for its own last alert, which would hit what is queued.
type parkedRaw parked

// Read mostly finds one small record, which needs no shaper.
func (r *parkedRaw) Read(p []byte) (int, error) {
	if r.shaper != nil && r.shaper.empty() && r.sock.Parked() {
		r.shaper = nil
	}
	if r.shaper == nil {
		n, err := r.sock.Read(p)
		if err != nil || isRecord(p[:n]) {
			return n, err
		}
		r.shaper = shaperOf(p[:n])
	}
	return r.shaper.read(&r.sock, p)
}

func (r *parkedRaw) Write(p []byte) (int, error)      { return r.sock.Write(p) }
func (r *parkedRaw) Close() error                     { return r.sock.Close() }
func (r *parkedRaw) LocalAddr() net.Addr              { return r.listener.door.addr() }
func (r *parkedRaw) RemoteAddr() net.Addr             { return net.TCPAddrFromAddrPort(r.sock.Remote()) }
func (r *parkedRaw) SetDeadline(time.Time) error      { return nil }
func (r *parkedRaw) SetReadDeadline(time.Time) error  { return nil }
func (r *parkedRaw) SetWriteDeadline(time.Time) error { return nil }
