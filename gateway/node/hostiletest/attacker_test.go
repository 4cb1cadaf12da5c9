package hostiletest

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport/tlspeer"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// attacker is one connection of an attack.
type attacker struct {
	edge *edge
	n    int
	from net.IP // nil: any
	tcp  *net.TCPConn
	tls  *tlspeer.Conn

	// left counts those of the attack, but the extra ones, whose end is awaited
	// by endedBut.
	left *atomic.Int64
}

func (a *attacker) dial() error {
	dialer := net.Dialer{Timeout: patience}
	if a.from != nil {
		dialer.LocalAddr = &net.TCPAddr{IP: a.from}
	}
	conn, err := dialer.Dial("tcp", a.edge.node.Listen)
	if err != nil {
		return err
	}
	a.tcp = conn.(*net.TCPConn)
	return a.tcp.SetDeadline(time.Now().Add(patience))
}

// close closes with a reset, as a process that is killed does with bytes that
// it did not read.
func (a *attacker) close() {
	if a.tcp != nil {
		_ = a.tcp.SetLinger(0)
		_ = a.tcp.Close()
	}
}

// shake makes the handshake.
func (a *attacker) shake() (err error) {
	if err := a.dial(); err != nil {
		return err
	}
	a.tls, err = tlspeer.Client(context.Background(), a.tcp, a.edge.tls)
	return err
}

func (a *attacker) id() token.Identity {
	return token.Identity{
		Tenant: tenant, User: fmt.Sprintf("attacker%d", a.n), Device: "phone", ExpiresAt: time.Now().Add(time.Hour),
	}
}

// hello is a right one.
func (a *attacker) hello() []byte {
	jwt, err := a.edge.signer.Sign(a.id(), time.Now())
	if err != nil {
		panic(err) // the identity is right
	}
	return helloOf(jwt)
}

func helloOf(jwt string) []byte {
	return wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: jwt}})
}

// greet makes the handshake, says Hello and reads the Welcome.
func (a *attacker) greet() error {
	if err := a.shake(); err != nil {
		return err
	}
	return a.greeting()
}

func (a *attacker) greeting() error {
	if _, err := a.tls.Write(a.hello()); err != nil {
		return err
	}
	f, err := wire.NewReader(a.tls, wire.MaxPayload).Next()
	if err == nil && f.Type() != wire.TypeWelcome {
		err = fmt.Errorf("instead of Welcome came %+v", f)
	}
	return err
}

// say sends bytes of frames behind the handshake.
func (a *attacker) say(b []byte) error {
	_, err := a.tls.Write(b)
	return err
}

// ended waits until the edge has ended the connection.
func (a *attacker) ended() error {
	_, err := io.Copy(io.Discard, a.tcp)
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return fmt.Errorf("the edge did not end it: %w", err)
	}
	return nil // a reset will do
}

// endedBut is ended for an attack of which as many as are extra stay: they go
// when the others are gone.
func (a *attacker) endedBut() error {
	for {
		_ = a.tcp.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		switch err := a.ended(); {
		case err == nil:
			a.left.Add(-1)
			return nil
		case a.left.Load() <= 0:
			return nil
		}
	}
}

// drip sends b a byte at a time until the edge ends the connection.
func (a *attacker) drip(b []byte) error {
	for len(b) > 0 {
		if _, err := a.tcp.Write(b[:1]); err != nil {
			return nil
		}
		b = b[1:]
		time.Sleep(50 * time.Millisecond)
	}
	return errors.New("the edge took all of it")
}

// clientHello is what a client of TLS says first.
func clientHello(config *tls.Config) []byte {
	var hello heard
	_ = tls.Client(&hello, config).Handshake() // nobody answers
	return hello.Bytes()
}

// heard is a connection on which nothing ever comes.
type heard struct {
	net.Conn // nil: the rest is not asked for
	bytes.Buffer
}

func (h *heard) Write(p []byte) (int, error)      { return h.Buffer.Write(p) }
func (h *heard) Read([]byte) (int, error)         { return 0, io.EOF }
func (h *heard) Close() error                     { return nil }
func (h *heard) SetDeadline(time.Time) error      { return nil }
func (h *heard) SetReadDeadline(time.Time) error  { return nil }
func (h *heard) SetWriteDeadline(time.Time) error { return nil }
