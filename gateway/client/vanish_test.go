package client_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

const vanishSpread = time.Hour

// A device that finds its edge dead by its own beat does so alone: others beat
// at other times, so that it need not wait for the spread.
func TestSilentEdgeIsLeftAtOnce(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 60_000, ReconnectSpreadMs: vanishSpread.Milliseconds()})
		time.Sleep(59 * time.Second)
		expect[*wire.Ping](p)
		start := time.Now()
		e.welcomed(nil)
		if took := time.Since(start); took > 15*time.Second {
			t.Errorf("%v from the Ping to the next connection, want 15 s", took)
		}
	})
}

// A TCP connection that breaks breaks for all of the edge's devices, and they
// spread; on QUIC only a device's own packet shows it.
func TestBrokenConnection(t *testing.T) {
	raced(t, func(*network) {}, func(e *edge, n *network) {
		e.listener = n.edges[quic]
		p := e.welcomed(&wirepb.Welcome{ReconnectSpreadMs: vanishSpread.Milliseconds()})
		time.Sleep(2 * time.Minute)
		start := time.Now()
		_ = p.conn.CloseWithCode(0, "")
		e.welcomed(nil)
		if took := time.Since(start); took > time.Second {
			t.Errorf("QUIC: connected again after %v", took)
		}
	})
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{ReconnectSpreadMs: vanishSpread.Milliseconds()})
		time.Sleep(2 * time.Minute)
		_ = p.conn.CloseWithCode(0, "")
		e.acceptNone(time.Second) // one in 3,600 comes that early
	})
}

// A reset in answer to a beat is that of a network which has forgotten the
// connection: it comes to this device alone. Its next Hello tells of it, soon
// enough to count.
func TestResetInAnswerToABeat(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 600_000, ReconnectSpreadMs: vanishSpread.Milliseconds()})
		expect[*wire.Ping](p)
		p.conn.(*memtransport.Conn).Reset()
		start := time.Now()
		last := e.welcomed(nil).hello.Last
		if took := time.Since(start); took > time.Second {
			t.Errorf("connected again after %v", took)
		}
		if last.End != wirepb.LastConnection_END_RESET || last.FirstMissGapMs != 600_000 || last.ReconnectDelayMs > 1000 {
			t.Errorf("reported %v", last)
		}
	})
}

// Where TCP is refused no edge runs, and QUIC is not waited for.
func TestRefusedTCPEndsTheWaitForQUIC(t *testing.T) {
	raced(t, func(n *network) {
		n.delay[quic] = time.Hour
		n.fail[tcp] = fmt.Errorf("dial: %w", syscall.ECONNREFUSED)
	}, func(e *edge, _ *network) {
		time.Sleep(2300 * time.Millisecond)
		if s := e.lastState(); !errors.Is(s.Err, syscall.ECONNREFUSED) {
			t.Errorf("2.3 s later the device is still %+v", s)
		}
	})
	// So it is where a server of something else answers.
	raced(t, func(n *network) {
		n.delay[quic] = time.Hour
		n.fail[tcp] = fmt.Errorf("handshake: %w", tls.RecordHeaderError{Msg: "no record"})
	}, func(e *edge, _ *network) {
		time.Sleep(2300 * time.Millisecond)
		if s := e.lastState(); !errors.As(s.Err, new(tls.RecordHeaderError)) {
			t.Errorf("2.3 s later the device is still %+v", s)
		}
	})
	// One that comes up in that time is taken.
	raced(t, func(n *network) {
		n.delay[quic] = 1900 * time.Millisecond
		n.fail[tcp] = syscall.ECONNREFUSED
	}, func(e *edge, n *network) { e.on(n, quic) })
}
