package park

import (
	"context"
	"fmt"
	"net"
	"os"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/hawser-edge/hawser/gateway/transport/reuseport"
)

// Listener accepts connections for a poller.
type Listener struct {
	// Static after Listen.
	file *os.File
	raw  syscall.RawConn
	addr net.Addr

	leaving atomic.Bool
}

// Listen listens for TCP at addr, host:port. A shared port is one at which
// other processes may listen, too, if they all say so; see package reuseport.
func Listen(ctx context.Context, addr string, shared bool) (*Listener, error) {
	// No keepalive: heartbeats prove more, and cost a phone's radio less.
	lc := net.ListenConfig{KeepAlive: -1}
	if shared {
		reuseport.Share(&lc)
	}
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	defer l.Close()
	// The net package keeps the accepted connections to itself; a descriptor of
	// our own does not.
	file, err := l.(*net.TCPListener).File()
	if err != nil {
		return nil, err
	}
	raw, err := file.SyscallConn()
	if err != nil {
		_ = file.Close()
		return nil, err
	}
	out := &Listener{file: file, raw: raw, addr: l.Addr()}
	if err := out.control(func(fd int) error {
		// Accepted connections inherit it.
		return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	}); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("set TCP_NODELAY: %w", err)
	}
	return out, nil
}

// Addr is where it listens.
func (l *Listener) Addr() net.Addr { return l.addr }

// Accept waits for a connection and returns its descriptor, for Socket.Open.
// After Close its error matches net.ErrClosed.
func (l *Listener) Accept() (fd int, err error) {
	rerr := l.raw.Read(func(listening uintptr) bool {
		for {
			// Package unix would ask for the protocol, too.
			fd, _, err = syscall.Accept4(int(listening), unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			switch err {
			case unix.EAGAIN:
				return false
			case unix.EINTR, unix.ECONNABORTED:
			default:
				return true
			}
		}
	})
	if rerr != nil {
		// The file was closed.
		return -1, net.ErrClosed
	}
	if err != nil {
		return -1, os.NewSyscallError("accept4", err)
	}
	if l.leaving.Load() {
		reuseport.Release(fd)
	}
	return fd, nil
}

// Leave leaves new connections to the other listeners of a shared port. It
// returns when nothing waits to be accepted, so that Close resets nobody, or
// with an error. Others must accept meanwhile. Close has to follow.
func (l *Listener) Leave(ctx context.Context) error {
	l.leaving.Store(true)
	return reuseport.Leave(ctx, l.raw)
}

// Waiting is how many connections the system holds that were not accepted yet;
// 0 after Close.
func (l *Listener) Waiting() (n int) {
	_ = l.control(func(fd int) error {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		if err == nil {
			n = int(info.Unacked) // of a listening socket it is that
		}
		return err
	})
	return n
}

// Close refuses new connections.
func (l *Listener) Close() error { return l.file.Close() }

func (l *Listener) control(f func(fd int) error) (err error) {
	if cerr := l.raw.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return cerr
	}
	return err
}
