package transport

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

var (
	errTooManyHandshakes = errors.New("transport: too many handshakes under way")
	errNoRoom            = errors.New("transport: no room for the connection")
	errALPN              = errors.New("transport: the client does not speak hawser/1")
	errNotAccepted       = errors.New("transport: nobody accepted the connection in time")
)

// gate is what the listeners share: the slots, the reasons and the hand-over
// to Accept.
type gate struct {
	// Static after construction.
	kind   Kind
	cfg    ListenConfig
	slots  *slots
	ready  chan Conn       // never closed
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	running sync.WaitGroup // what Close waits for
}

func newGate(kind Kind, cfg ListenConfig) *gate {
	ctx, cancel := context.WithCancel(context.Background())
	return &gate{
		kind:   kind,
		cfg:    cfg,
		slots:  &slots{limit: cfg.MaxHandshakes},
		ready:  make(chan Conn),
		ctx:    ctx,
		cancel: cancel,
	}
}

func (g *gate) Kind() Kind { return g.kind }

func (g *gate) Accept(ctx context.Context) (Conn, error) {
	select {
	case c := <-g.ready:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-g.ctx.Done():
		return nil, net.ErrClosed
	}
}

// deliver waits until the connection is accepted. The wait is bounded, because
// the connection holds a slot meanwhile.
func (g *gate) deliver(c Conn) error {
	timer := time.NewTimer(g.cfg.HandshakeTimeout)
	defer timer.Stop()
	select {
	case g.ready <- c:
		return nil
	case <-timer.C:
		return errNotAccepted
	case <-g.ctx.Done():
		return net.ErrClosed
	}
}

// reasonOf is the attempt's reason, seen from a listener that may be closing.
func (g *gate) reasonOf(a *attempt, err error) string {
	if g.ctx.Err() != nil {
		return RejectClosing
	}
	if errors.Is(err, errNotAccepted) {
		return RejectBusy
	}
	return a.reason(err)
}

func (g *gate) reject(reason string, remote netip.AddrPort, err error) {
	g.cfg.OnReject(g.kind, reason)
	g.cfg.Log.Debug("connection rejected", "transport", string(g.kind), "reason", reason, "remote", remote, "error", err)
}

// pause reports false when the listener closed meanwhile.
func (g *gate) pause(d time.Duration) bool { return sleep.For(g.ctx, d) }
