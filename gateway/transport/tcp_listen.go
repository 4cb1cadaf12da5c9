package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// ListenTCP listens for TLS 1.3 over TCP.
func ListenTCP(cfg ListenConfig) (Listener, error) {
	tlsConfig, err := serverTLS(cfg.TLS)
	if err != nil {
		return nil, err
	}
	tlsConfig.NextProtos = append(tlsConfig.NextProtos, ALPNProbe)
	// No keepalive: heartbeats prove more, and cost a phone's radio less.
	lc := net.ListenConfig{KeepAlive: -1}
	socket, err := lc.Listen(context.Background(), "tcp", cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("transport: listen on tcp %s: %w", cfg.Addr, err)
	}
	cfg = cfg.withDefaults()
	l := &tcpListener{
		gate:   newGate(TCP, cfg),
		tls:    tlsConfig,
		socket: socket.(*net.TCPListener),
		open:   newTracker(func() {}),
	}
	l.running.Go(l.acceptLoop)
	return l, nil
}

// tcpListener owns the accept loop and the goroutines of the handshakes.
type tcpListener struct {
	*gate

	// Static after construction.
	tls    *tls.Config
	socket *net.TCPListener
	open   *tracker

	running sync.WaitGroup
	once    sync.Once
}

func (l *tcpListener) Addr() netip.AddrPort { return addrPort(l.socket.Addr()) }

func (l *tcpListener) Close() error {
	l.once.Do(func() {
		l.cancel()
		_ = l.socket.Close()
		l.running.Wait()
		l.open.end()
	})
	return nil
}

func (l *tcpListener) Shutdown(ctx context.Context) error {
	_ = l.Close()
	return l.open.wait(ctx)
}

func (l *tcpListener) acceptLoop() {
	for {
		raw, err := l.socket.AcceptTCP()
		switch {
		case err == nil:
			l.begin(raw)
		case errors.Is(err, net.ErrClosed):
			return
		default:
			// Out of files, or a client that reset early: neither may end the
			// loop, and neither may spin it.
			l.reject(RejectAccept, netip.AddrPort{}, err)
			if !l.pause(50 * time.Millisecond) {
				return
			}
		}
	}
}

// begin starts the handshake off the accept loop, or refuses it.
func (l *tcpListener) begin(raw *net.TCPConn) {
	if !l.slots.tryAcquire() {
		l.reject(RejectBusy, addrPort(raw.RemoteAddr()), errTooManyHandshakes)
		abort(raw)
		return
	}
	l.running.Go(func() {
		defer l.slots.release()
		l.handshake(raw)
	})
}

func (l *tcpListener) handshake(raw *net.TCPConn) {
	ctx, cancel := context.WithTimeout(l.ctx, l.cfg.HandshakeTimeout)
	defer cancel()
	a := &attempt{}
	socket := &tcpSocket{TCPConn: raw}
	tc := tls.Server(socket, l.tls)
	if err := tc.HandshakeContext(withAttempt(ctx, a)); err != nil {
		l.refuse(raw, l.reasonOf(a, err), err)
		return
	}
	switch tc.ConnectionState().NegotiatedProtocol {
	case wire.ALPN:
	case ALPNProbe:
		l.answerProbe(tc)
		return
	default: // a client without any ALPN passes crypto/tls
		l.refuse(raw, RejectALPN, errALPN)
		return
	}
	c := &conn{link: &tcpLink{Conn: tc, raw: socket}, kind: TCP, onClosed: l.open.done}
	l.open.add()
	if err := l.deliver(c); err != nil {
		l.open.done()
		l.refuse(raw, l.reasonOf(a, err), err)
	}
}

func (l *tcpListener) refuse(raw *net.TCPConn, reason string, err error) {
	l.reject(reason, addrPort(raw.RemoteAddr()), err)
	_ = raw.Close()
}

// abort closes with a reset, which leaves no TIME_WAIT behind.
func abort(raw *net.TCPConn) {
	_ = raw.SetLinger(0)
	_ = raw.Close()
}
