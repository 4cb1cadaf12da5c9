package milliontest

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// conn is a parked connection in memory. What is written to it is dropped.
type conn struct {
	door    *door
	tls     *tls.Conn // nil: none
	handler transport.Handler
	number  int32
	wakes   atomic.Int32 // that Ready has not been called for

	mu    sync.Mutex
	in    []byte // to be read
	due   uint32 // ticks; 0: never
	entry uint32 // the tick at which the wheel comes by; 0: never
}

var _ transport.Parker = (*conn)(nil)

func (c *conn) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := copy(p, c.in)
	if c.in = c.in[n:]; len(c.in) == 0 {
		c.in = nil
	}
	if n == 0 {
		return 0, os.ErrDeadlineExceeded
	}
	return n, nil
}

func (c *conn) Write(p []byte) (int, error) {
	c.door.written.Add(int64(len(p)))
	return len(p), nil
}

func (c *conn) SetWriteDeadline(time.Time) error { return nil }

func (c *conn) SetReadDeadline(t time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.due = c.door.wheel.tickOf(t)
	if c.due != 0 && (c.entry == 0 || c.entry > c.due) {
		c.entry = c.door.wheel.add(c.number, c.due)
	}
	return nil
}

// expire is the wheel coming by.
func (c *conn) expire() {
	if c.passed() {
		c.wake()
	}
}

// passed reports whether the deadline has. Otherwise the wheel comes again.
func (c *conn) passed() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if passed := c.due <= c.door.wheel.tickOf(time.Now()); passed {
		c.due, c.entry = 0, 0
		return true
	}
	c.entry = c.door.wheel.add(c.number, c.due)
	return false
}

// wake calls the handler, or has who is calling it call it again.
func (c *conn) wake() {
	if c.wakes.Add(1) > 1 {
		return
	}
	for {
		n := c.wakes.Load()
		c.handler.Ready()
		if c.wakes.CompareAndSwap(n, 0) {
			return
		}
	}
}

func (c *conn) Park(h transport.Handler) {
	c.handler = h
	c.wake()
	c.door.parked.Add(1)
}

// say has bytes come from the device.
func (c *conn) say(b []byte) {
	c.mu.Lock()
	c.in = b
	c.mu.Unlock()
	c.wake()
}

func (c *conn) Backlog() bool                      { return false }
func (c *conn) CloseWithCode(uint16, string) error { return nil }
func (c *conn) Kind() transport.Kind               { return transport.TCP }
func (c *conn) RemoteAddr() netip.AddrPort         { return netip.AddrPort{} }
func (c *conn) TLS() tls.ConnectionState           { return tls.ConnectionState{} }

// door is the listener of such connections.
type door struct {
	wheel   wheel
	conns   []*conn
	next    chan *conn
	written atomic.Int64 // bytes
	parked  atomic.Int64
}

func newDoor(n int) *door {
	return &door{wheel: wheel{start: time.Now()}, conns: make([]*conn, n), next: make(chan *conn)}
}

func (d *door) Accept(ctx context.Context) (transport.Conn, error) {
	select {
	case c := <-d.next:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// dial adds a device that says b first.
func (d *door) dial(number int, under *tls.Conn, b []byte) {
	c := &conn{door: d, tls: under, number: int32(number), in: b}
	d.conns[number] = c
	d.next <- c
}

func (d *door) Addr() netip.AddrPort           { return netip.AddrPort{} }
func (d *door) Kind() transport.Kind           { return transport.TCP }
func (d *door) Close() error                   { return nil }
func (d *door) Leave(context.Context) error    { return nil }
func (d *door) Shutdown(context.Context) error { return nil }

// turn lets the wheel come by until ctx ends.
func (d *door) turn(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for ctx.Err() == nil {
		<-ticker.C
		for _, n := range d.wheel.next() {
			d.conns[n].expire()
		}
	}
}

// wheel is as the one of package park.
type wheel struct {
	start time.Time
	mu    sync.Mutex
	now   uint32
	slots [wheelSlots][]int32
}

const (
	tick       = 100 * time.Millisecond
	wheelSlots = 1024
)

func (w *wheel) tickOf(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(max(t.Sub(w.start)/tick, 1))
}

func (w *wheel) add(n int32, due uint32) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := min(max(due, w.now+1), w.now+wheelSlots-1)
	w.slots[at%wheelSlots] = append(w.slots[at%wheelSlots], n)
	return at
}

func (w *wheel) next() []int32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now++
	slot := &w.slots[w.now%wheelSlots]
	out := *slot
	*slot = nil
	return out
}

// shaken makes a handshake in memory and returns the edge's end. The device's
// is forgotten.
func shaken(server, client *tls.Config) (*tls.Conn, error) {
	near, far := net.Pipe()
	failed := make(chan error, 1)
	go func() {
		c := tls.Client(far, client)
		err := c.Handshake()
		if err == nil {
			// The tickets that follow, or the edge would wait.
			_, err = c.Read(make([]byte, 1))
		}
		failed <- err
	}()
	under := &swapped{Conn: near}
	c := tls.Server(under, server)
	if err := c.Handshake(); err != nil {
		return nil, err
	}
	if _, err := c.Write([]byte{0}); err != nil {
		return nil, err
	}
	under.Conn = nil
	return c, <-failed
}

// swapped is a connection that can be let go of.
type swapped struct{ net.Conn }
