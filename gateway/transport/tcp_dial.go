package transport

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
)

// DialTCP connects to addr, host:port, and completes the TLS handshake. The
// server's name is that of addr unless config sets one. A nil config verifies
// against the system's roots.
func DialTCP(ctx context.Context, addr string, config *tls.Config) (Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("transport: dial tcp: %w", err)
	}
	d := net.Dialer{KeepAlive: -1}
	raw, err := d.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("transport: %w", err)
	}
	socket := &tcpSocket{TCPConn: raw.(*net.TCPConn)}
	tc := tls.Client(socket, clientTLS(config, host))
	if err := tc.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, fmt.Errorf("transport: TLS handshake with %s over tcp: %w", addr, err)
	}
	if err := checkALPN(tc.ConnectionState(), addr); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return &conn{link: &tcpLink{Conn: tc, raw: socket, small: true}, kind: TCP, dialed: true}, nil
}
