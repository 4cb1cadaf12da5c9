package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

func TestListenBothSharesThePort(t *testing.T) {
	server, client := newTLS(t)
	tcp, quic, err := transport.ListenBoth(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	defer quic.Close()
	if tcp.Addr() != quic.Addr() || tcp.Addr().Port() == 0 {
		t.Fatalf("tcp on %s, quic on %s", tcp.Addr(), quic.Addr())
	}
	for _, i := range implementations {
		c, err := i.dial(context.Background(), tcp.Addr().String(), client)
		if err != nil {
			t.Fatalf("%s: %v", i.name, err)
		}
		if state := c.TLS(); state.Version != tls.VersionTLS13 || state.NegotiatedProtocol != wire.ALPN {
			t.Errorf("%s: negotiated %x %q", i.name, state.Version, state.NegotiatedProtocol)
		}
		_ = c.CloseWithCode(0, "")
	}
	// The port taken on one of the two is an error, not another port.
	if _, _, err := transport.ListenBoth(transport.ListenConfig{Addr: tcp.Addr().String(), TLS: server}); err == nil {
		t.Error("listened twice on one port")
	}
}

func TestListenNeedsACertificate(t *testing.T) {
	for _, i := range implementations {
		for _, cfg := range []*tls.Config{nil, {}} {
			if _, err := i.listen(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: cfg}); err == nil || !strings.Contains(err.Error(), "certificate") {
				t.Errorf("%s: %v", i.name, err)
			}
		}
	}
}

// A device that reads nothing of the stream still learns the code.
func TestQUICCarriesTheCode(t *testing.T) {
	server, client := newTLS(t)
	l, err := transport.ListenQUIC(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	device, edge := connect(t, l, transport.DialQUIC, client)
	_ = edge.CloseWithCode(3502, "superseded")
	// The end of the stream comes first, the code once the linger is over.
	var last error
	for last == nil || errors.Is(last, io.EOF) {
		_, last = device.Write([]byte{1})
		time.Sleep(time.Millisecond) // a flood would outlive what the edge keeps to answer with
	}
	if code, reason, ok := transport.CodeFromError(last); !ok || code != 3502 || reason != "superseded" {
		t.Errorf("CodeFromError(%v) = %d, %q, %v", last, code, reason, ok)
	}
}

func TestOneStreamPerConnection(t *testing.T) {
	server, client := newTLS(t)
	l, err := transport.ListenQUIC(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	config := client.Clone()
	config.NextProtos = []string{wire.ALPN}
	qc, err := quic.DialAddr(context.Background(), l.Addr().String(), config, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = qc.CloseWithError(0, "") }()
	stream, err := qc.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	_, _ = stream.Write([]byte{1})
	edge, err := l.Accept(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	// The stream ends in both directions, which must not make room for another.
	stream.CancelRead(0)
	_ = stream.Close()
	_, _ = io.Copy(io.Discard, edge)
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := qc.OpenStreamSync(ctx); err == nil {
		t.Error("a second bidirectional stream was let through")
	}
	if _, err := qc.OpenUniStream(); err == nil {
		t.Error("a unidirectional stream was let through")
	}
	_ = edge.CloseWithCode(3000, "")
}

func TestDialChecksTheServer(t *testing.T) {
	server, client := newTLS(t)
	for _, i := range implementations {
		l, err := i.listen(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		if _, err := i.dial(context.Background(), l.Addr().String(), nil); err == nil {
			t.Errorf("%s: trusted an unknown certificate", i.name)
		}
		other := client.Clone()
		other.ServerName = "elsewhere"
		if _, err := i.dial(context.Background(), l.Addr().String(), other); err == nil {
			t.Errorf("%s: took the certificate of another host", i.name)
		}
	}
}

func TestDialBadAddress(t *testing.T) {
	for _, i := range implementations {
		for _, addr := range []string{"", "host", "host:port:more", "127.0.0.1:nonsense"} {
			ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
			if c, err := i.dial(ctx, addr, nil); err == nil {
				_ = c.CloseWithCode(0, "")
				t.Errorf("%s: dialed %q", i.name, addr)
			}
			cancel()
		}
	}
}

// A server of another protocol that ignores ALPN is no edge.
func TestDialTCPNeedsALPN(t *testing.T) {
	server, client := newTLS(t)
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	if _, err := transport.DialTCP(context.Background(), l.Addr().String(), client); err == nil || !strings.Contains(err.Error(), wire.ALPN) {
		t.Errorf("DialTCP = %v", err)
	}
}

func TestShutdownCutsAtItsDeadline(t *testing.T) {
	server, client := newTLS(t)
	for _, i := range implementations {
		l, err := i.listen(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
		if err != nil {
			t.Fatal(err)
		}
		_, edge := connect(t, l, i.dial, client)
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
		if err := l.Shutdown(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: Shutdown = %v", i.name, err)
		}
		cancel()
		_ = edge.CloseWithCode(3000, "")
	}
}

func TestCodeFromError(t *testing.T) {
	for _, c := range []struct {
		err error
		ok  bool
	}{
		{nil, false},
		{io.EOF, false},
		{net.ErrClosed, false},
		{&quic.ApplicationError{ErrorCode: 3502}, false}, // our own close
		{&quic.ApplicationError{Remote: true, ErrorCode: 1 << 20}, false},
		{&quic.ApplicationError{Remote: true, ErrorCode: 3502}, true},
		{fmt.Errorf("read: %w", &quic.ApplicationError{Remote: true, ErrorCode: 3502}), true},
		{&transport.RemoteClose{Code: 3502}, true},
	} {
		if code, _, ok := transport.CodeFromError(c.err); ok != c.ok || (ok && code != 3502) {
			t.Errorf("CodeFromError(%v) = %d, %v", c.err, code, ok)
		}
	}
}

func connect(t *testing.T, l transport.Listener, dial dial, client *tls.Config) (device, edge transport.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	device, err := dial(ctx, l.Addr().String(), client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = device.CloseWithCode(0, "") })
	if _, err := device.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	if edge, err = l.Accept(ctx); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.CloseWithCode(0, "") })
	return device, edge
}
