package client

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

const (
	// headStart is how long QUIC may try alone. It covers a handshake on all
	// but the worst networks.
	headStart = 200 * time.Millisecond
	// dialTimeout bounds a race.
	dialTimeout = 15 * time.Second
	// refusedTimeout is how long QUIC may go on after TCP was refused: most
	// likely no edge runs there, which UDP does not say. Where something on the
	// way refuses TCP alone, it is enough for a handshake.
	refusedTimeout = 2 * time.Second
	// quicRest is for how long TCP goes first on a network that does not let
	// QUIC through.
	quicRest = 5 * time.Minute
)

// dialer makes connections.
type dialer struct {
	// Static after construction.
	dial func(context.Context, transport.Kind) (transport.Conn, error)
	mode string
	work *sync.WaitGroup // the client's

	mu       sync.Mutex
	quicRest time.Time // Guarded by mu: until then TCP goes first.
}

func newDialer(cfg Config, work *sync.WaitGroup) *dialer {
	return &dialer{dial: cfg.Dial, mode: cfg.Transport, work: work}
}

// connect returns the first connection that comes up.
func (d *dialer) connect(ctx context.Context) (transport.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	switch {
	case d.mode == QUIC:
		return d.dial(ctx, transport.QUIC)
	case d.mode == TCP:
		return d.dial(ctx, transport.TCP)
	case d.resting():
		return d.race(ctx, transport.TCP, transport.QUIC)
	}
	conn, err := d.race(ctx, transport.QUIC, transport.TCP)
	if err == nil && conn.Kind() == transport.TCP {
		d.quicFailed()
	}
	return conn, err
}

// dialed is one runner's result.
type dialed struct {
	conn transport.Conn
	err  error
}

// race starts the second after the head start, or once the first has failed.
func (d *dialer) race(ctx context.Context, first, second transport.Kind) (transport.Conn, error) {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan dialed, 2) // both runners' results fit: neither waits
	running, started := 1, false
	d.start(ctx, first, results)
	timer := time.NewTimer(headStart)
	defer timer.Stop()
	startSecond := func() {
		if !started {
			started = true
			running++
			d.start(ctx, second, results)
		}
	}
	var failures error
	for running > 0 {
		select {
		case <-timer.C:
			startSecond()
		case r := <-results:
			running--
			if r.err == nil {
				d.leave(cancel, results, running)
				return r.conn, nil
			}
			failures = errors.Join(failures, r.err)
			if ctx.Err() == nil {
				startSecond()
			}
			if errors.Is(r.err, syscall.ECONNREFUSED) {
				defer time.AfterFunc(refusedTimeout, cancel).Stop()
			}
		}
	}
	cancel()
	return nil, failures
}

func (d *dialer) start(ctx context.Context, kind transport.Kind, results chan<- dialed) {
	d.work.Go(func() {
		conn, err := d.dial(ctx, kind)
		results <- dialed{conn, err}
	})
}

// leave ends the losers without a frame, and without making the winner wait.
func (d *dialer) leave(cancel context.CancelFunc, results <-chan dialed, losers int) {
	d.work.Go(func() {
		// A connection's dial context must outlive nothing but the dial.
		cancel()
		for range losers {
			if r := <-results; r.err == nil {
				_ = r.conn.CloseWithCode(0, "")
			}
		}
	})
}

func (d *dialer) resting() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Now().Before(d.quicRest)
}

// quicFailed notes that QUIC does not work on this network.
func (d *dialer) quicFailed() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.quicRest = time.Now().Add(quicRest)
}

// forget is for a new network, of which nothing is known.
func (d *dialer) forget() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.quicRest = time.Time{}
}
