package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// connection is a device's, over either transport. The SDK's own dialers are
// not used here: they open a UDP socket a connection and know no source
// addresses.
type connection interface {
	rawdevice.Conn
	io.Closer
	// negotiated is what the handshake agreed upon.
	negotiated() negotiated
}

// dialer connects devices to edges.
type dialer struct {
	// Static after newDialer.
	addrs []string
	binds []string
	tls   *tls.Config
	quic  bool

	mu sync.Mutex
	// sockets of QUIC, each shared by connectionsASocket devices. Guarded by mu.
	sockets map[int]*quic.Transport
}

// connectionsASocket is how many QUIC connections share a UDP socket: an edge
// tells them apart by their ids.
const connectionsASocket = 200

func newDialer(p Plan) (*dialer, error) {
	config, err := deviceTLS(p)
	if err != nil {
		return nil, err
	}
	return &dialer{
		addrs: p.Addrs, binds: p.Binds, tls: config, quic: p.Transport == overQUIC, sockets: map[int]*quic.Transport{},
	}, nil
}

func deviceTLS(p Plan) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(p.Addrs[0])
	if err != nil {
		return nil, err
	}
	config := &tls.Config{MinVersion: tls.VersionTLS13, NextProtos: []string{wire.ALPN}, ServerName: host}
	if p.MQTT {
		config.NextProtos = nil
	}
	if p.Hello == helloSDK {
		// ChaCha20-Poly1305 comes first by the environment of the process: see
		// startWorker.
		config.CurvePreferences = transport.KeyExchanges(false)
	}
	if p.CAFile == "" {
		return config, nil
	}
	pem, err := os.ReadFile(p.CAFile)
	if err != nil {
		return nil, fmt.Errorf("read the authorities of the edge: %w", err)
	}
	config.RootCAs = x509.NewCertPool()
	if !config.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", p.CAFile)
	}
	return config, nil
}

// dial connects the device of a number.
func (d *dialer) dial(ctx context.Context, number int) (connection, error) {
	addr := d.addrs[number%len(d.addrs)]
	if d.quic {
		return d.dialQUIC(ctx, addr, number)
	}
	return d.dialTCP(ctx, addr, number)
}

// source is the address that a device connects from; empty: the system's
// choice.
func (d *dialer) source(number int) net.IP {
	if len(d.binds) == 0 {
		return nil
	}
	return net.ParseIP(d.binds[number%len(d.binds)])
}

type tcpConnection struct{ *tls.Conn }

func (d *dialer) dialTCP(ctx context.Context, addr string, number int) (connection, error) {
	nd := net.Dialer{KeepAlive: -1}
	if from := d.source(number); from != nil {
		nd.LocalAddr = &net.TCPAddr{IP: from}
	}
	raw, err := nd.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	c := tls.Client(raw, d.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return tcpConnection{c}, nil
}

// Close leaves no TIME_WAIT behind, which would use up the ports: these
// devices come and go a thousand times faster than any.
func (c tcpConnection) Close() error {
	if raw, ok := c.NetConn().(*net.TCPConn); ok {
		_ = raw.SetLinger(0)
	}
	return c.NetConn().Close()
}

func (c tcpConnection) negotiated() negotiated { return negotiatedIn(c.ConnectionState()) }

func negotiatedIn(s tls.ConnectionState) negotiated {
	return negotiated{s.CurveID.String(), tls.CipherSuiteName(s.CipherSuite)}
}

type quicConnection struct {
	*quic.Stream
	conn *quic.Conn
}

func (d *dialer) dialQUIC(ctx context.Context, addr string, number int) (connection, error) {
	remote, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, err
	}
	tr, err := d.socket(number)
	if err != nil {
		return nil, err
	}
	conn, err := tr.Dial(ctx, remote, d.tls, &quic.Config{
		HandshakeIdleTimeout: transport.DefaultHandshakeTimeout, MaxIdleTimeout: transport.DefaultIdleTimeout,
		MaxIncomingStreams: -1, MaxIncomingUniStreams: -1,
	})
	if err != nil {
		return nil, err
	}
	stream, err := conn.OpenStreamSync(ctx)
	if err != nil {
		_ = conn.CloseWithError(0, "")
		return nil, err
	}
	return quicConnection{stream, conn}, nil
}

// quicIDLength is that of the connection ids, with which a socket tells its
// connections apart.
const quicIDLength = 8

// socket returns the UDP socket of a device, open from then on.
func (d *dialer) socket(number int) (*quic.Transport, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	n := number / connectionsASocket
	if tr := d.sockets[n]; tr != nil {
		return tr, nil
	}
	socket, err := net.ListenUDP("udp", &net.UDPAddr{IP: d.source(n)})
	if err != nil {
		return nil, fmt.Errorf("open a UDP socket: %w", err)
	}
	d.sockets[n] = &quic.Transport{Conn: socket, ConnectionIDLength: quicIDLength}
	return d.sockets[n], nil
}

// Close tells the edge, which would wait for the device otherwise.
func (c quicConnection) Close() error { return c.conn.CloseWithError(0, "") }

func (c quicConnection) negotiated() negotiated { return negotiatedIn(c.conn.ConnectionState().TLS) }

// close ends the sockets, after the connections.
func (d *dialer) close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	var errs []error
	for _, tr := range d.sockets {
		errs = append(errs, tr.Close(), tr.Conn.Close())
	}
	return errors.Join(errs...)
}

// attemptTimeout bounds one attempt: to connect, and then to be welcomed.
const attemptTimeout = 20 * time.Second
