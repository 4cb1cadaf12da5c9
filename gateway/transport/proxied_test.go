package transport_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

const proxySignature = "\r\n\r\n\x00\r\nQUIT\n"

// proxyHeader is that of a client 203.0.113.N:50000.
func proxyHeader(n byte) []byte {
	return append([]byte(proxySignature+"\x21\x11\x00\x0c"), 203, 0, 113, n, 192, 0, 2, 1, 0xc3, 0x50, 0x01, 0xbb)
}

var proxyLocal = []byte(proxySignature + "\x20\x00\x00\x00")

// behind is a connection that writes something before everything else, with it
// in one write.
type behind struct {
	net.Conn
	first []byte
}

func (b *behind) Write(p []byte) (int, error) {
	if b.first == nil {
		return b.Conn.Write(p)
	}
	n, err := b.Conn.Write(append(b.first, p...))
	n, b.first = max(n-len(b.first), 0), nil
	return n, err
}

// through connects with a header before TLS.
func (r *rejecting) through(t *testing.T, header []byte) (*tls.Conn, error) {
	t.Helper()
	raw, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	_ = raw.SetDeadline(time.Now().Add(time.Minute))
	config := r.client.Clone()
	config.NextProtos, config.ServerName = []string{wire.ALPN}, "127.0.0.1"
	c := tls.Client(&behind{raw, header}, config)
	return c, c.Handshake()
}

func (r *rejecting) accept(t *testing.T) transport.Conn {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := r.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var proxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// A proxy says whose a connection is, and that is whose it is from then on.
func TestProxied(t *testing.T) {
	r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{
		Proxies: proxies, Sources: admission.NewSources(admission.Limits{PerAddress: 1}),
	})
	device, err := r.through(t, proxyHeader(9))
	if err != nil {
		t.Fatal(err)
	}
	first := r.accept(t)
	if got := first.RemoteAddr().String(); got != "203.0.113.9:50000" {
		t.Errorf("it comes from %s", got)
	}
	if _, err := first.Write([]byte("hello")); err != nil {
		t.Error(err)
	}
	if b := make([]byte, 5); true {
		if _, err := io.ReadFull(device, b); err != nil || !bytes.Equal(b, []byte("hello")) {
			t.Errorf("%q, %v", b, err)
		}
	}

	// The bound is the client's, not the proxy's.
	if _, err := r.through(t, proxyHeader(9)); err == nil {
		t.Error("a second connection of one client")
	}
	r.expect(t, string(admission.AddressFull))
	if _, err := r.through(t, proxyHeader(10)); err != nil {
		t.Fatal(err)
	}
	other := r.accept(t)
	if got := other.RemoteAddr().String(); got != "203.0.113.10:50000" {
		t.Errorf("it comes from %s", got)
	}
	_ = other.CloseWithCode(0, "")

	// Once it has ended the client has room again.
	_ = first.CloseWithCode(0, "")
	_ = device.Close()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		if _, err = r.through(t, proxyHeader(9)); err == nil {
			_ = r.accept(t).CloseWithCode(0, "")
			break
		}
		if time.Now().After(end) {
			t.Fatal("the client is still counted")
		}
	}
	if err := r.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if n := transport.ProxiedClients(r.Listener); n > 0 {
		t.Errorf("%d clients are kept of connections that have ended", n)
	}
}

// The proxy's own connections are the proxy's.
func TestProxyItself(t *testing.T) {
	r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{Proxies: proxies})
	device, err := r.through(t, proxyLocal)
	if err != nil {
		t.Fatal(err)
	}
	c := r.accept(t)
	if got := c.RemoteAddr().String(); got != device.LocalAddr().String() {
		t.Errorf("it comes from %s instead of %s", got, device.LocalAddr())
	}
	_ = c.CloseWithCode(0, "")
}

// Proxies have to say it, and others may not.
func TestProxyHeaderWhereItBelongs(t *testing.T) {
	for name, tc := range map[string]struct {
		from   []netip.Prefix
		header []byte
		reason string
	}{
		"a proxy without":          {proxies, nil, transport.RejectProxy},
		"a proxy with another one": {proxies, []byte("PROXY TCP4 203.0.113.9 192.0.2.1 50000 443\r\n"), transport.RejectProxy},
		"no proxy":                 {nil, proxyHeader(9), transport.RejectNotTLS},
		"another network":          {[]netip.Prefix{netip.MustParsePrefix("198.51.100.0/24")}, proxyHeader(9), transport.RejectNotTLS},
		"two headers":              {proxies, append(proxyHeader(9), proxyHeader(10)...), transport.RejectNotTLS},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{Proxies: tc.from})
			if _, err := r.through(t, tc.header); err == nil {
				t.Error("it was let in")
			}
			r.expect(t, tc.reason)
		})
	}
}

// A header counts for the time that a handshake has.
func TestSlowProxyHeader(t *testing.T) {
	r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{Proxies: proxies, HandshakeTimeout: 300 * time.Millisecond})
	raw, err := net.Dial("tcp", r.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	go func() {
		for _, b := range proxyHeader(9) {
			if _, err := raw.Write([]byte{b}); err != nil {
				return
			}
			time.Sleep(100 * time.Millisecond)
		}
	}()
	r.expect(t, transport.RejectTimeout)
	_ = raw.SetReadDeadline(time.Now().Add(time.Minute))
	if n, err := raw.Read(make([]byte, 1)); n != 0 || err == nil {
		t.Error("the connection is still open")
	}
}
