package transport

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/admission"
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
// refuses what does not fit.
const acceptors = 4

// ListenQUIC listens for QUIC.
func ListenQUIC(cfg ListenConfig) (Listener, error) {
	addr, err := net.ResolveUDPAddr("udp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("transport: listen on udp %s: %w", cfg.Addr, err)
	}
	socket, err := net.ListenUDP("udp", addr)
	if err != nil {
		return nil, fmt.Errorf("transport: listen on udp %s: %w", cfg.Addr, err)
	}
	l, err := newQUICListener(cfg.withDefaults(), socket)
	if err != nil {
		_ = socket.Close()
		return nil, err
	}
	return l, nil
}

// newResetKey derives the key of stateless resets (RFC 9000, section 10.3): a
// listener that takes the place of one that died tells the devices of its
// dead connections so, with their first packet.
func newResetKey(fleetKey []byte) (*quic.StatelessResetKey, error) {
	key := new(quic.StatelessResetKey)
	if len(fleetKey) == 0 {
		_, _ = rand.Read(key[:]) // never fails
		return key, nil
	}
	derived, err := hkdf.Key(sha256.New, fleetKey, nil, "hawser quic stateless reset v1", len(key))
	if err != nil {
		return nil, fmt.Errorf("transport: derive the key of stateless resets: %w", err)
	}
	copy(key[:], derived)
	return key, nil
}

// quicListener owns the UDP socket, the acceptors and the goroutines that wait
// for streams.
type quicListener struct {
	*gate

	// Static after construction.
	socket *net.UDPConn
	tls    *tls.Config
	tr     *quic.Transport
	ql     *quic.Listener
	pacer  *pacer
	open   *tracker // every connection that quic-go holds, from its first packet

	running sync.WaitGroup
	once    sync.Once
}

func newQUICListener(cfg ListenConfig, socket *net.UDPConn) (*quicListener, error) {
	tlsConfig, err := serverTLS(cfg.TLS)
	if err != nil {
		return nil, err
	}
	l := &quicListener{
		gate: newGate(QUIC, cfg), tls: tlsConfig, socket: socket,
		pacer: newPacer(handshakesPerTurn*cfg.Handshakers, handshakeBurst),
	}
	l.open = newTracker(l.releaseSocket)
	resetKey, err := newResetKey(cfg.FleetKey)
	if err != nil {
		return nil, err
	}
	l.tr = &quic.Transport{
		Conn:               socket,
		ConnectionIDLength: connectionIDLen,
		StatelessResetKey:  resetKey,
		ConnContext:        l.admit,
		// Under pressure a client must prove its address first: forged
		// packets would otherwise fill the slots.
		VerifySourceAddress: func(net.Addr) bool { return l.slots.crowded() },
	}
	if l.ql, err = l.tr.Listen(l.tls, edgeConfig(cfg)); err != nil {
		return nil, fmt.Errorf("transport: listen on quic: %w", err)
	}
	for range acceptors {
		l.running.Go(l.acceptLoop)
	}
	return l, nil
}

func (l *quicListener) Addr() netip.AddrPort { return addrPort(l.socket.LocalAddr()) }

func (l *quicListener) Close() error {
	l.once.Do(func() {
		l.cancel()
		_ = l.ql.Close()
		l.refuseAll()
		l.running.Wait()
		l.open.end()
	})
	return nil
}

// refuseAll answers new connections with CONNECTION_REFUSED for as long as open
// ones keep the socket, as the system does on TCP. Without a listener quic-go
// drops their packets, and a device would wait for its dial to time out.
func (l *quicListener) refuseAll() {
	cfg := edgeConfig(l.cfg)
	cfg.GetConfigForClient = func(info *quic.ClientInfo) (*quic.Config, error) {
		l.reject(RejectClosing, addrPort(info.RemoteAddr), net.ErrClosed)
		return nil, net.ErrClosed
	}
	// An error leaves devices to their time-outs, no more. The listener ends
	// with the transport.
	_, _ = l.tr.Listen(l.tls, cfg)
}

// Leave is Close: the port has no other QUIC listener that could take devices.
func (l *quicListener) Leave(context.Context) error { return l.Close() }

func (l *quicListener) Shutdown(ctx context.Context) error {
	_ = l.Close()
	err := l.open.wait(ctx)
	if err != nil {
		l.releaseSocket()
	}
	return err
}

// releaseSocket cuts every connection that is still open.
func (l *quicListener) releaseSocket() {
	_ = l.tr.Close()
	_ = l.socket.Close()
}

// pending is the life of one connection of quic-go: pending until Accept has
// it, then open, then ended.
type pending struct {
	attempt
	handed atomic.Bool
	place  admission.Place // of the listener's Sources
}

// admit is called for the first packet of a connection, one after the other,
// and not by the loop that receives the packets of live ones: while it waits,
// first packets wait in a queue of quic-go, which drops those beyond 1,000.
func (l *quicListener) admit(ctx context.Context, info *quic.ClientInfo) (context.Context, error) {
	remote := addrPort(info.RemoteAddr)
	if !l.slots.tryAcquire() {
		l.reject(RejectBusy, remote, errTooManyHandshakes)
		return nil, errTooManyHandshakes
	}
	a := &pending{}
	if reason := l.enter(&a.place, remote); reason != "" {
		l.slots.release()
		l.reject(reason, remote, errNoRoom)
		return nil, errNoRoom
	}
	if wait := l.pacer.reserve(time.Now()); wait > 0 && !l.pause(wait) {
		l.cfg.Sources.Leave(&a.place)
		l.slots.release()
		l.reject(RejectClosing, remote, net.ErrClosed)
		return nil, net.ErrClosed
	}
	l.open.add()
	ctx = context.WithValue(withAttempt(ctx, &a.attempt), admissionKey{}, a)
	context.AfterFunc(ctx, func() {
		defer l.open.done()
		l.cfg.Sources.Leave(&a.place)
		if a.handed.CompareAndSwap(false, true) {
			l.slots.release()
			err := context.Cause(ctx)
			l.reject(l.reasonOf(&a.attempt, err), remote, err)
		}
	})
	return ctx, nil
}

type admissionKey struct{}

func (l *quicListener) acceptLoop() {
	for {
		qc, err := l.ql.Accept(context.Background())
		if err != nil {
			return // closed, or the socket failed and took all connections along
		}
		l.running.Go(func() { l.awaitStream(qc) })
	}
}

// awaitStream hands the connection out once the device has opened its stream.
func (l *quicListener) awaitStream(qc *quic.Conn) {
	a, _ := qc.Context().Value(admissionKey{}).(*pending)
	ctx, cancel := context.WithTimeout(l.ctx, l.cfg.HandshakeTimeout)
	defer cancel()
	stream, err := qc.AcceptStream(ctx)
	if err != nil {
		l.refuse(qc, a, RejectNoStream, err)
		return
	}
	sources := l.cfg.Sources
	c := &conn{
		link: &quicLink{Stream: stream, conn: qc}, kind: QUIC,
		onWelcome: func() { sources.Welcome(&a.place) },
	}
	if err := l.deliver(c); err != nil {
		l.refuse(qc, a, RejectBusy, err)
		return
	}
	if a.handed.CompareAndSwap(false, true) {
		l.slots.release()
	}
	state := c.TLS()
	l.cfg.OnHandshake(QUIC, &state)
}

// refuse tells the device why; admit's end of life counts it.
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
