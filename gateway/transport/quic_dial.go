package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// DialQUIC connects to addr, host:port, from a UDP socket of its own and opens
// the connection's stream. The edge hears of the stream with the first byte
// written. Server name and roots are as for DialTCP.
func DialQUIC(ctx context.Context, addr string, config *tls.Config) (Conn, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("transport: dial quic: %w", err)
	}
	remote, err := resolveUDP(ctx, addr)
	if err != nil {
		return nil, fmt.Errorf("transport: dial quic: %w", err)
	}
	socket, err := net.ListenUDP("udp", nil)
	if err != nil {
		return nil, fmt.Errorf("transport: open a UDP socket: %w", err)
	}
	tr := &quic.Transport{Conn: socket, ConnectionIDLength: idLen}
	release := func() error { return errors.Join(tr.Close(), socket.Close()) }
	l, err := dialLink(ctx, tr, remote, clientTLS(config, host))
	if err != nil {
		_ = release()
		return nil, fmt.Errorf("transport: QUIC handshake with %s: %w", addr, err)
	}
	l.release = release
	return &conn{link: l, kind: QUIC, dialed: true}, nil
}

func dialLink(ctx context.Context, tr *quic.Transport, remote *net.UDPAddr, config *tls.Config) (*quicLink, error) {
	qc, err := tr.Dial(ctx, remote, config, deviceConfig())
	if err != nil {
		return nil, err
	}
	stream, err := qc.OpenStreamSync(ctx)
	if err != nil {
		_ = qc.CloseWithError(0, "")
		return nil, err
	}
	return &quicLink{Stream: stream, conn: qc}, nil
}

// resolveUDP is net.ResolveUDPAddr with a context.
func resolveUDP(ctx context.Context, addr string) (*net.UDPAddr, error) {
	host, service, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	port, err := net.DefaultResolver.LookupPort(ctx, "udp", service)
	if err != nil {
		return nil, err
	}
	ips, err := net.DefaultResolver.LookupIPAddr(ctx, host)
	if err != nil {
		return nil, err
	}
	for _, ip := range ips {
		if ip.IP.To4() != nil {
			return &net.UDPAddr{IP: ip.IP, Port: port}, nil
		}
	}
	return &net.UDPAddr{IP: ips[0].IP, Zone: ips[0].Zone, Port: port}, nil
}

// checkALPN refuses a server that ignores ALPN.
func checkALPN(state tls.ConnectionState, addr string) error {
	if state.NegotiatedProtocol == wire.ALPN {
		return nil
	}
	return fmt.Errorf("transport: %s does not speak %s: it is no hawser edge, or something between intercepts TLS", addr, wire.ALPN)
}
