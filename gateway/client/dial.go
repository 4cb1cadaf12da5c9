package client

import (
	"context"
	"crypto/tls"
	"errors"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

const (
	// headStart is how long QUIC may try alone at an address. It covers a
	// handshake on all but the worst networks.
	headStart = 200 * time.Millisecond
	// addressStep is how long an address may be tried alone. Where nothing
	// answers a dial that is given up late costs more than a second handshake
	// on the worst networks.
	addressStep = time.Second
	// dialTimeout bounds a race.
	dialTimeout = 15 * time.Second
	// refusedTimeout is how long a race may go on after an edge's last address
	// was refused on one transport, or something other than an edge answered
	// there: most likely no edge runs there, which UDP does not say. Where
	// something on the way does that to TCP alone, it is enough for a handshake.
	refusedTimeout = 2 * time.Second
	// quicRest is for how long TCP goes first on a network that does not let
	// QUIC through.
	quicRest = 5 * time.Minute
)

// dialer makes connections.
type dialer struct {
	// Static after construction.
	addresses func(context.Context) ([]address, error)
	dial      func(context.Context, transport.Kind, address) (transport.Conn, error)
	mode      string
	work      *sync.WaitGroup // the client's

	mu       sync.Mutex
	quicRest time.Time // Guarded by mu: until then TCP goes first.
}

func newDialer(cfg Config, work *sync.WaitGroup) *dialer {
	d := &dialer{mode: cfg.Transport, work: work}
	if own := cfg.Dial; own != nil {
		d.addresses = func(context.Context) ([]address, error) { return asGiven(cfg.Addr), nil }
		d.dial = func(ctx context.Context, kind transport.Kind, a address) (transport.Conn, error) {
			return own(ctx, kind, a.at)
		}
		return d
	}
	d.addresses = func(ctx context.Context) ([]address, error) { return resolve(ctx, cfg.Addr) }
	config, resume := cfg.tls(), newSessions()
	d.dial = func(ctx context.Context, kind transport.Kind, a address) (transport.Conn, error) {
		return dialAddress(ctx, kind, a, resume.config(kind, config))
	}
	return d
}

// connect returns the first connection that comes up.
func (d *dialer) connect(ctx context.Context) (transport.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTimeout)
	defer cancel()
	addresses, err := d.addresses(ctx)
	if err != nil {
		return nil, err
	}
	kinds := d.kinds()
	conn, answered, err := d.race(ctx, attempts(addresses, kinds))
	if err == nil && conn.Kind() == transport.TCP && kinds[0] == transport.QUIC && !answered {
		d.quicFailed()
	}
	return conn, err
}

// kinds are the transports in the order of their attempts.
func (d *dialer) kinds() []transport.Kind {
	switch {
	case d.mode == QUIC:
		return []transport.Kind{transport.QUIC}
	case d.mode == TCP:
		return []transport.Kind{transport.TCP}
	case d.resting():
		return []transport.Kind{transport.TCP, transport.QUIC}
	}
	return []transport.Kind{transport.QUIC, transport.TCP}
}

// An attempt is one runner of a race.
type attempt struct {
	kind transport.Kind
	address
	// after is how long the one before it may go on alone.
	after time.Duration
}

// attempts tries each address with each transport before the next one.
func attempts(addresses []address, kinds []transport.Kind) []attempt {
	var all []attempt
	for _, a := range addresses {
		after := addressStep
		for _, kind := range kinds {
			all = append(all, attempt{kind, a, after})
			after = headStart
		}
	}
	return all
}

// dialed is one runner's result.
type dialed struct {
	conn transport.Conn
	kind transport.Kind
	err  error
}

// race starts an attempt once the one before has had its time, or once one has
// failed. answered says that an edge refused QUIC, which thus got through.
func (d *dialer) race(ctx context.Context, all []attempt) (conn transport.Conn, answered bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	results := make(chan dialed, len(all)) // every runner's result fits: none waits
	timer := time.NewTimer(0)
	defer timer.Stop()
	started, ended := 0, 0
	startNext := func() {
		if started == len(all) || ctx.Err() != nil {
			return
		}
		d.start(ctx, all[started], results)
		if started++; started < len(all) {
			timer.Reset(all[started].after)
		}
	}
	startNext()
	var failures error
	for ended < started {
		select {
		case <-timer.C:
			startNext()
		case r := <-results:
			ended++
			if r.err == nil {
				d.leave(cancel, results, started-ended)
				return r.conn, answered, nil
			}
			failures = errors.Join(failures, r.err)
			refused := transport.Refused(r.err)
			answered = answered || refused && r.kind == transport.QUIC
			startNext()
			if (refused || foreign(r.err)) && started == len(all) {
				defer time.AfterFunc(refusedTimeout, cancel).Stop()
			}
		}
	}
	if started == 0 {
		failures = ctx.Err() // it ended before anything was tried
	}
	cancel()
	return nil, answered, failures
}

// foreign reports whether err is the answer of something that does not speak TLS.
func foreign(err error) bool { return errors.As(err, new(tls.RecordHeaderError)) }

func (d *dialer) start(ctx context.Context, a attempt, results chan<- dialed) {
	d.work.Go(func() {
		conn, err := d.dial(ctx, a.kind, a.address)
		results <- dialed{conn, a.kind, err}
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
