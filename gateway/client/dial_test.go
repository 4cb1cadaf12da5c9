package client_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// kindConn says which transport a connection stands for.
type kindConn struct {
	transport.Conn
	kind transport.Kind
}

func (c kindConn) Kind() transport.Kind { return c.kind }

// network decides what becomes of a dial.
type network struct {
	mu    sync.Mutex
	dials []transport.Kind                          // Guarded by mu.
	edges map[transport.Kind]*memtransport.Listener // static
	delay map[transport.Kind]time.Duration          // static
	fail  map[transport.Kind]error                  // static
}

func newNetwork() *network {
	return &network{
		edges: map[transport.Kind]*memtransport.Listener{transport.QUIC: memtransport.Listen(), transport.TCP: memtransport.Listen()},
		delay: map[transport.Kind]time.Duration{},
		fail:  map[transport.Kind]error{},
	}
}

func (n *network) dial(ctx context.Context, kind transport.Kind, _ string) (transport.Conn, error) {
	n.mu.Lock()
	n.dials = append(n.dials, kind)
	n.mu.Unlock()
	select {
	case <-time.After(n.delay[kind]):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := n.fail[kind]; err != nil {
		return nil, err
	}
	// Not ctx: a dial may succeed although it was called off.
	c, err := n.edges[kind].Dial(context.WithoutCancel(ctx))
	if err != nil {
		return nil, err
	}
	return kindConn{c, kind}, nil
}

// take returns the dials since the last call.
func (n *network) take() []transport.Kind {
	synctest.Wait()
	n.mu.Lock()
	defer n.mu.Unlock()
	d := n.dials
	n.dials = nil
	return d
}

// raced runs a client in mode auto on a network.
func raced(t *testing.T, setup func(*network), script func(*edge, *network)) {
	t.Helper()
	// The listeners' channels belong to the bubble.
	var n *network
	virtual(t, func(c *client.Config) {
		n = newNetwork()
		setup(n)
		c.Transport = client.Auto
		c.Dial = n.dial
	}, func(e *edge) { script(e, n) })
}

// on accepts and welcomes a connection of a kind.
func (e *edge) on(n *network, kind transport.Kind) *peer {
	e.t.Helper()
	e.listener = n.edges[kind]
	return e.welcomed(nil)
}

const (
	quic = transport.QUIC
	tcp  = transport.TCP
)

func TestQUICWins(t *testing.T) {
	raced(t, func(n *network) { n.delay[quic] = 150 * time.Millisecond }, func(e *edge, n *network) {
		e.on(n, quic)
		if d := n.take(); len(d) != 1 || e.lastState().Transport != quic {
			t.Errorf("dialed %v", d)
		}
	})
}

func TestSlowQUICRacesTCP(t *testing.T) {
	raced(t, func(n *network) { n.delay[quic] = time.Hour }, func(e *edge, n *network) {
		start := time.Now()
		e.on(n, tcp)
		if waited := time.Since(start); waited != 200*time.Millisecond {
			t.Errorf("TCP was there after %s", waited)
		}
		if e.lastState().Transport != tcp {
			t.Errorf("state %+v", e.lastState())
		}
	})
}

func TestFailedQUICDoesNotWait(t *testing.T) {
	raced(t, func(n *network) { n.fail[quic] = errors.New("udp blocked") }, func(e *edge, n *network) {
		start := time.Now()
		e.on(n, tcp)
		if waited := time.Since(start); waited != 0 {
			t.Errorf("TCP was there after %s", waited)
		}
	})
}

// Both come up: one Hello, and the other one is closed without a frame.
func TestLoserIsClosedWithoutAFrame(t *testing.T) {
	raced(t, func(n *network) { n.delay[tcp] = 100 * time.Millisecond }, func(e *edge, n *network) {
		time.Sleep(time.Second) // QUIC waits to be accepted, so TCP was dialed
		p := e.on(n, quic)
		e.listener = n.edges[tcp]
		e.accept().gone()
		p.quiet(time.Minute)
	})
}

func TestQUICFailureIsRemembered(t *testing.T) {
	raced(t, func(n *network) { n.fail[quic] = errors.New("udp blocked") }, func(e *edge, n *network) {
		p := e.on(n, tcp)
		n.take()
		p.closeWith(wire.CloseIdle)
		p = e.on(n, tcp)
		if d := n.take(); len(d) != 1 || d[0] != tcp {
			t.Errorf("dialed %v while QUIC rests", d)
		}
		time.Sleep(6 * time.Minute)
		p.closeWith(wire.CloseIdle)
		p = e.on(n, tcp)
		if d := n.take(); len(d) != 2 || d[0] != quic {
			t.Errorf("dialed %v after the rest", d)
		}
		// On another network nothing is known.
		_ = e.client.SetNetwork(client.Network{Radio: client.Radio5G})
		p.closeWith(wire.CloseIdle)
		e.on(n, tcp)
		if d := n.take(); len(d) != 2 || d[0] != quic {
			t.Errorf("dialed %v on another network", d)
		}
	})
}

// QUIC rests, and now TCP is what fails.
func TestQUICIsStillTheFallback(t *testing.T) {
	raced(t, func(n *network) { n.fail[quic] = errors.New("udp blocked") }, func(e *edge, n *network) {
		p := e.on(n, tcp)
		n.fail[quic], n.fail[tcp] = nil, errors.New("tcp blocked")
		p.closeWith(wire.CloseIdle)
		e.on(n, quic)
	})
}

// QUIC that shakes hands and then carries nothing counts as failed.
func TestQUICWithoutWelcome(t *testing.T) {
	raced(t, func(*network) {}, func(e *edge, n *network) {
		e.listener = n.edges[quic]
		p := e.accept()
		expect[*wire.Hello](p)
		p.gone()
		n.take()
		e.on(n, tcp)
		if d := n.take(); d[0] != tcp {
			t.Errorf("dialed %v", d)
		}
	})
}

func TestDialIsBounded(t *testing.T) {
	raced(t, func(n *network) { n.delay[quic], n.delay[tcp] = time.Hour, time.Hour }, func(e *edge, n *network) {
		time.Sleep(20 * time.Second)
		if s := e.lastState(); s.Err == nil {
			t.Errorf("state %+v", s)
		}
	})
}
