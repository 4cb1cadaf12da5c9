package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"
)

// ALPNProbe is what an edge offers, on TCP only, to learn whether devices are
// well placed at another one: after the handshake that one says a single byte,
// probeUp or probeDown, and closes. Anybody may ask.
const ALPNProbe = "hawser-up/1"

const (
	probeDown = 0
	probeUp   = 1
)

// ErrDown marks an edge that answers, and says that devices are no better off
// there: it is cut off itself, or stops.
var ErrDown = errors.New("the edge says that it takes no devices of others")

// Probe asks the edge at addr, host:port, whether it takes devices of others.
// Nil is yes. The certificate is verified as in DialTCP.
func Probe(ctx context.Context, addr string, config *tls.Config) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("transport: probe: %w", err)
	}
	cfg := clientTLS(config, host)
	cfg.NextProtos = []string{ALPNProbe}
	d := tls.Dialer{NetDialer: &net.Dialer{KeepAlive: -1}, Config: cfg}
	conn, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return fmt.Errorf("transport: probe: %w", err)
	}
	defer conn.Close()
	if at, ok := ctx.Deadline(); ok {
		_ = conn.SetReadDeadline(at)
	}
	var answer [1]byte
	if _, err := conn.Read(answer[:]); err != nil {
		return fmt.Errorf("transport: probe %s: %w", addr, err)
	}
	if answer[0] != probeUp {
		return fmt.Errorf("transport: probe %s: %w", addr, ErrDown)
	}
	return nil
}

// answerProbe tells whether devices of other edges are well placed here.
func (l *tcpListener) answerProbe(tc *tls.Conn) {
	answer := byte(probeDown)
	if l.cfg.Up() {
		answer = probeUp
	}
	_ = tc.SetDeadline(time.Now().Add(time.Second))
	_, _ = tc.Write([]byte{answer}) // who asks and goes is not missed
	_ = tc.Close()
}
