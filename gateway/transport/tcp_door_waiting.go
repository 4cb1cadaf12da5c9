//go:build !linux || unparked

package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

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

// waiting is how many connections the system holds that are not accepted yet,
// where that is known.
func (d *door) waiting() int { return 0 }

func (d *door) close() { _ = d.socket.Close() }

// release frees what open connections shared.
func (d *door) release() {}

func (d *door) wait() {}

// incoming is an accepted connection on its way to being a Conn.
type incoming struct {
	socket *tcpSocket
	tls    *tls.Conn
	place  admission.Place
	client netip.AddrPort // that a proxy said; zero: none
}

func (in *incoming) remote() netip.AddrPort {
	if in.client.IsValid() {
		return in.client
	}
	return addrPort(in.socket.RemoteAddr())
}

// comesFrom says whose the connection is.
func (in *incoming) comesFrom(client netip.AddrPort) { in.client = client }

// leave ends what is counted of the connection.
func (in *incoming) leave(l *tcpListener) { l.cfg.Sources.Leave(&in.place) }

// secure makes the TLS handshake, until ctx ends or the listener's time is up.
func (in *incoming) secure(ctx context.Context, l *tcpListener, own *turn) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, l.cfg.HandshakeTimeout)
	defer cancel()
	in.tls = tls.Server(in.socket, l.tls)
	if err := in.introduce(ctx, l); err != nil {
		return in.tls, err
	}
	in.socket.turn = own
	err := in.tls.HandshakeContext(ctx)
	in.socket.turn.rest()
	in.socket.turn = nil
	return in.tls, err
}

// introduce has who it comes from read, until ctx ends.
func (in *incoming) introduce(ctx context.Context, l *tcpListener) error {
	stop := context.AfterFunc(ctx, func() { _ = in.socket.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	err := l.introduce(ctx, in, in.socket)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

// seat is what the connection takes up at its source.
func (in *incoming) seat() *admission.Place { return &in.place }

// conn makes it one that is handed out and, once it is closed, no more counted
// among the listener's open ones.
func (in *incoming) conn(l *tcpListener) Conn {
	sources := l.cfg.Sources
	return &conn{
		link: &tcpLink{Conn: in.tls, raw: in.socket, remote: in.remote}, kind: TCP,
		onWelcome: func() { sources.Welcome(&in.place) },
		onClosed: func() {
			in.leave(l)
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
