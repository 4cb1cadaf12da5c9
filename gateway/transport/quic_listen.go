package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/wire"
)

const (
	// handshakesPerTurn is how many handshakes of QUIC begin a second for each
	// that may compute: quic-go gives no way to see when one does. They take
	// about a millisecond.
	handshakesPerTurn = 1000
	// handshakeBurst is how many may begin at once.
	handshakeBurst = 32
)

// acceptors take connections from quic-go, whose own queue is fixed at 32 and
// refuses what does not fit; as many for each worker.
const acceptors = 4

// ListenQUIC listens for QUIC.
func ListenQUIC(cfg ListenConfig) (Listener, error) {
	cfg = cfg.withDefaults()
	tlsConfig, err := serverTLS(cfg.TLS)
	if err != nil {
		return nil, err
	}
	sockets, err := openSockets(cfg.Addr, cfg.Workers)
	if errors.Is(err, errNoSteering) {
		cfg.Log.Warn("QUIC has one socket for all packets: this system does not share a port among more", "error", err)
		sockets, err = openSockets(cfg.Addr, 1)
	}
	if err != nil {
		return nil, fmt.Errorf("transport: listen on udp %s: %w", cfg.Addr, err)
	}
	l := &quicListener{
		gate: newGate(QUIC, cfg), tls: tlsConfig,
		pacer: newPacer(handshakesPerTurn*cfg.Handshakers, handshakeBurst),
	}
	l.open, l.alarms = newTracker(l.releaseSockets), newAlarms()
	if err := l.start(sockets); err != nil {
		l.cancel()
		l.releaseSockets()
		l.running.Wait()
		return nil, err
	}
	return l, nil
}

// quicListener owns the workers, the acceptors and the goroutines that wait
// for streams.
type quicListener struct {
	*gate

	// Static after start.
	tls     *tls.Config
	workers []*quicWorker
	pacer   *pacer
	open    *tracker // every connection that quic-go holds, from its first packet
	alarms  *alarms

	once sync.Once
}

// start makes a worker of each socket.
func (l *quicListener) start(sockets []*net.UDPConn) error {
	for _, s := range sockets {
		l.workers = append(l.workers, &quicWorker{socket: s})
	}
	keys := newFleetKeys(l.cfg.FleetKey)
	if err := l.keepTickets(l.tls, keys); err != nil {
		return err
	}
	for i, w := range l.workers {
		if err := w.listen(l, keys, byte(i)); err != nil {
			return err
		}
	}
	for _, w := range l.workers {
		for range acceptors {
			l.running.Go(func() { l.acceptLoop(w) })
		}
	}
	return nil
}

func (l *quicListener) Addr() netip.AddrPort { return addrPort(l.workers[0].socket.LocalAddr()) }

func (l *quicListener) Close() error {
	l.once.Do(func() {
		l.cancel()
		for _, w := range l.workers {
			_ = w.listener.Close()
		}
		for _, w := range l.workers {
			l.refuseAll(w)
		}
		l.running.Wait()
		l.open.end()
	})
	return nil
}

// refuseAll answers new connections with CONNECTION_REFUSED for as long as open
// ones keep the sockets, as the system does on TCP. Without a listener quic-go
// drops their packets, and a device would wait for its dial to time out.
func (l *quicListener) refuseAll(w *quicWorker) {
	cfg := edgeConfig(l.cfg)
	cfg.GetConfigForClient = func(info *quic.ClientInfo) (*quic.Config, error) {
		l.reject(RejectClosing, addrPort(info.RemoteAddr), net.ErrClosed)
		return nil, net.ErrClosed
	}
	// An error leaves devices to their time-outs, no more. The listener ends
	// with the transport.
	_, _ = w.transport.ListenEarly(l.tls, cfg)
}

// Leave is Close: the port has no other QUIC listener that could take devices.
func (l *quicListener) Leave(context.Context) error { return l.Close() }

func (l *quicListener) Shutdown(ctx context.Context) error {
	_ = l.Close()
	err := l.open.wait(ctx)
	if err != nil {
		l.releaseSockets()
	}
	return err
}

// releaseSockets cuts every connection that is still open.
func (l *quicListener) releaseSockets() {
	for _, w := range l.workers {
		w.release()
	}
	l.alarms.close()
}

func (l *quicListener) acceptLoop(w *quicWorker) {
	for {
		qc, err := w.listener.Accept(context.Background())
		if err != nil {
			return // closed, or the socket failed and took all connections along
		}
		w.taken.Add(1)
		l.running.Go(func() { l.awaitStream(qc) })
	}
}

// awaitStream hands the connection out once the device has finished the
// handshake and opened its stream.
func (l *quicListener) awaitStream(qc *quic.Conn) {
	a := pendingOf(qc)
	ctx, cancel := context.WithTimeout(l.ctx, l.cfg.HandshakeTimeout)
	defer cancel()
	if err := finished(ctx, qc); err != nil {
		l.refuse(qc, a, RejectTimeout, err)
		return
	}
	stream, err := qc.AcceptStream(ctx)
	if err != nil {
		l.refuse(qc, a, RejectNoStream, err)
		return
	}
	link := &quicLink{Stream: stream, conn: qc, alarm: alarm{all: l.alarms, stream: stream}}
	c := &quicConn{conn: conn{
		link: link, kind: QUIC,
		onWelcome: func() { l.cfg.Sources.Welcome(&a.place) },
		onClosed:  func() { l.ended(a) },
	}}
	if err := l.deliver(c); err != nil {
		l.refuse(qc, a, RejectBusy, err)
		return
	}
	l.hand(a)
	state := c.TLS()
	l.cfg.OnHandshake(QUIC, &state)
}

// finished waits until the device has proved that it takes part in the
// handshake. Early data comes before.
func finished(ctx context.Context, qc *quic.Conn) error {
	select {
	case <-qc.HandshakeComplete():
		return nil
	case <-qc.Context().Done():
		return context.Cause(qc.Context())
	case <-ctx.Done():
		return ctx.Err()
	}
}

// refuse tells the device why; await counts it.
func (l *quicListener) refuse(qc *quic.Conn, a *pending, reason string, err error) {
	code := wire.CloseShutdown
	switch {
	case l.ctx.Err() != nil:
	case errors.Is(err, context.DeadlineExceeded):
		a.decide(reason)
		code = wire.CloseHelloTimeout
	case errors.Is(err, errNotAccepted):
		a.decide(reason)
		code = wire.CloseBusy
	}
	_ = qc.CloseWithError(quic.ApplicationErrorCode(code), code.String())
}
