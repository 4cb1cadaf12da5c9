// Package memtransport is a transport in memory, for tests.
//
// It starts no goroutine and opens no socket, so that code which runs on it
// can run in a testing/synctest bubble, where time is virtual. A test can
// block either direction of a connection, as a network does that went away
// without a word, or a peer that does not read.
package memtransport

import (
	"context"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// Buffer is how many bytes of each direction are on the way before Write
// blocks. It is small, as the socket buffers of a phone's connection are.
const Buffer = 16 << 10

// Pipe returns the two ends of a connection.
func Pipe() (device, edge *Conn) { return pipe(addr(1)) }

func pipe(deviceAddr netip.AddrPort) (device, edge *Conn) {
	up, down := newHalf(), newHalf()
	device = &Conn{in: down, out: up, remote: addr(0)}
	edge = &Conn{in: up, out: down, remote: deviceAddr}
	return device, edge
}

// addr gives the edge the port 0x1000 and the n-th device one above it.
func addr(n uint32) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(0x1000+n%0xe000))
}

// Listener accepts the connections that Dial makes.
type Listener struct {
	// Static after construction.
	ready  chan *Conn    // never closed; unbuffered, like a device that waits for the edge
	closed chan struct{} // closed by Close

	once    sync.Once
	dialed  atomic.Uint32
	refused atomic.Bool
	open    tracker
}

var _ transport.Listener = (*Listener)(nil)

// Listen returns a listener.
func Listen() *Listener {
	return &Listener{ready: make(chan *Conn), closed: make(chan struct{}), open: tracker{idle: make(chan struct{})}}
}

// Dial makes a connection and waits until it is accepted. Its error matches
// net.ErrClosed when the listener is closed or refuses.
func (l *Listener) Dial(ctx context.Context) (*Conn, error) {
	if l.refused.Load() {
		return nil, &net.OpError{Op: "dial", Net: string(transport.Mem), Err: net.ErrClosed}
	}
	device, edge := pipe(addr(l.dialed.Add(1)))
	edge.onClose = l.open.done
	l.open.add()
	select {
	case l.ready <- edge:
		return device, nil
	case <-l.closed:
		l.open.done()
		return nil, &net.OpError{Op: "dial", Net: string(transport.Mem), Err: net.ErrClosed}
	case <-ctx.Done():
		l.open.done()
		return nil, ctx.Err()
	}
}

// Refuse makes Dial fail at once, until it is called with false.
func (l *Listener) Refuse(refuse bool) { l.refused.Store(refuse) }

// Accept implements transport.Listener.
func (l *Listener) Accept(ctx context.Context) (transport.Conn, error) {
	select {
	case c := <-l.ready:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Addr implements transport.Listener.
func (l *Listener) Addr() netip.AddrPort { return addr(0) }

// Kind implements transport.Listener.
func (l *Listener) Kind() transport.Kind { return transport.Mem }

// Leave implements transport.Listener: it is Close.
func (l *Listener) Leave(context.Context) error { return l.Close() }

// Close implements transport.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Shutdown implements transport.Listener.
func (l *Listener) Shutdown(ctx context.Context) error {
	_ = l.Close()
	return l.open.wait(ctx)
}
