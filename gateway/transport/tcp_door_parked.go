//go:build linux && !unparked

package transport

import (
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport/park"
)

// door accepts connections that can be parked.
type door struct {
	listener *park.Listener
	poller   *park.Poller
	clients  clients
}

func openDoor(addr string, shared bool) (*door, error) {
	listener, err := park.Listen(context.Background(), addr, shared)
	if err != nil {
		return nil, err
	}
	poller, err := park.NewPoller()
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	return &door{listener: listener, poller: poller}, nil
}

func (d *door) addr() net.Addr { return d.listener.Addr() }

func (d *door) accept() (*incoming, error) {
	fd, err := d.listener.Accept()
	if err != nil {
		return nil, err
	}
	c := new(parked)
	if err := c.sock.Open(d.poller, fd, c); err != nil {
		return nil, err
	}
	return (*incoming)(c), nil
}

func (d *door) leave(ctx context.Context) error { return d.listener.Leave(ctx) }

// waiting is how many connections the system holds that are not accepted yet.
func (d *door) waiting() int { return d.listener.Waiting() }

func (d *door) close() { _ = d.listener.Close() }

// release ends the watch, once no connection is left. It is called by the
// watch itself, too, so that it does not wait.
func (d *door) release() { d.poller.Close() }

// wait waits for the end of the watch, after release.
func (d *door) wait() { d.poller.Wait() }

// incoming is an accepted connection on its way to being a Conn.
type incoming parked

func (in *incoming) remote() netip.AddrPort { return (*parked)(in).RemoteAddr() }

// comesFrom says whose the connection is.
func (in *incoming) comesFrom(client netip.AddrPort) {
	in.listener.door.clients.set((*parked)(in), client)
}

// leave ends what is counted and kept of the connection beside it.
func (in *incoming) leave(l *tcpListener) {
	l.cfg.Sources.Leave(&in.place)
	l.door.clients.forget((*parked)(in))
}

// secure makes the TLS handshake, until ctx ends or the listener's time is up.
// To a context that can end crypto/tls would give a goroutine.
func (in *incoming) secure(ctx context.Context, l *tcpListener, own *turn) (*tls.Conn, error) {
	by := time.Now().Add(l.cfg.HandshakeTimeout)
	in.sock.ReadBy(by)
	in.sock.WriteBy(by)
	stop := context.AfterFunc(ctx, in.close)
	in.listener, in.shaper = l, newShaper()
	in.shaper.turn = own
	in.tls = tls.Server((*parkedRaw)(in), l.tls)
	err := l.introduce(ctx, in, &in.sock)
	if err == nil {
		err = in.tls.HandshakeContext(context.WithoutCancel(ctx))
	}
	in.shaper.turn.rest()
	in.shaper.turn = nil
	if !stop() && err == nil {
		err = ctx.Err()
	}
	in.sock.ReadBy(time.Time{})
	in.sock.WriteBy(time.Time{})
	return in.tls, err
}

// seat is what the connection takes up at its source.
func (in *incoming) seat() *admission.Place { return &in.place }

// conn makes it one that is handed out and, once it is closed, no more counted
// among the listener's open ones.
func (in *incoming) conn(*tcpListener) Conn { return (*parked)(in) }

func (in *incoming) close() { _ = in.sock.Close() }

// abort closes with a reset, which leaves no TIME_WAIT behind.
func (in *incoming) abort() { in.sock.Abort() }
