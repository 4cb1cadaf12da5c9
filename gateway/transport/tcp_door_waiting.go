//go:build !linux || unparked

package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport/reuseport"
)

// door accepts connections on which a goroutine waits. Systems without epoll
// have no other; on Linux the build tag unparked chooses it, for tests.
type door struct {
	socket  *net.TCPListener
	leaving atomic.Bool
}

func openDoor(addr string, shared bool) (*door, error) {
	// No keepalive: heartbeats prove more, and cost a phone's radio less.
	lc := net.ListenConfig{KeepAlive: -1}
	if shared {
		reuseport.Share(&lc)
	}
	socket, err := lc.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &door{socket: socket.(*net.TCPListener)}, nil
}

func (d *door) addr() net.Addr { return d.socket.Addr() }

func (d *door) accept() (*incoming, error) {
	raw, err := d.socket.AcceptTCP()
	if err != nil {
		return nil, err
	}
	if d.leaving.Load() {
		onDescriptor(raw, reuseport.Release)
	}
	return &incoming{socket: &tcpSocket{TCPConn: raw}}, nil
}

func onDescriptor(c syscall.Conn, f func(fd int)) {
	raw, err := c.SyscallConn()
	if err == nil {
		_ = raw.Control(func(fd uintptr) { f(int(fd)) })
	}
}

func (d *door) leave(ctx context.Context) error {
	raw, err := d.socket.SyscallConn()
	if err != nil {
		return err
	}
	d.leaving.Store(true)
	return reuseport.Leave(ctx, raw)
}

func (d *door) close() { _ = d.socket.Close() }

// release frees what open connections shared.
func (d *door) release() {}

// incoming is an accepted connection on its way to being a Conn.
type incoming struct {
	socket *tcpSocket
	tls    *tls.Conn
	place  admission.Place
}

func (in *incoming) remote() netip.AddrPort { return addrPort(in.socket.RemoteAddr()) }

// secure makes the TLS handshake, until ctx ends or the listener's time is up.
func (in *incoming) secure(ctx context.Context, l *tcpListener) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.HandshakeTimeout)
	defer cancel()
	in.tls = tls.Server(in.socket, l.tls)
	in.socket.turn = &turn{of: l.turns}
	err := in.tls.HandshakeContext(ctx)
	in.socket.turn.rest()
	in.socket.turn = nil
	return in.tls, err
}

// seat is what the connection takes up at its source.
func (in *incoming) seat() *admission.Place { return &in.place }

// conn makes it one that is handed out and, once it is closed, no more counted
// among the listener's open ones.
func (in *incoming) conn(l *tcpListener) Conn {
	sources := l.cfg.Sources
	return &conn{
		link: &tcpLink{Conn: in.tls, raw: in.socket}, kind: TCP,
		onWelcome: func() { sources.Welcome(&in.place) },
		onClosed: func() {
			sources.Leave(&in.place)
			l.open.done()
		},
	}
}

func (in *incoming) close() { _ = in.socket.Close() }

// abort closes with a reset, which leaves no TIME_WAIT behind.
func (in *incoming) abort() {
	_ = in.socket.SetLinger(0)
	_ = in.socket.Close()
}
