package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// rejecting is a listener of one kind that reports its rejections.
type rejecting struct {
	transport.Listener
	client  *tls.Config
	reasons chan string
}

func newRejecting(t *testing.T, listen listen, cfg transport.ListenConfig) *rejecting {
	t.Helper()
	server, client := newTLS(t)
	r := &rejecting{client: client, reasons: make(chan string, 100)}
	cfg.Addr, cfg.TLS = "127.0.0.1:0", server
	if cfg.HandshakeTimeout == 0 {
		cfg.HandshakeTimeout = time.Minute
	}
	cfg.OnReject = func(_ transport.Kind, reason string) { r.reasons <- reason }
	l, err := listen(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.Listener = l
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return r
}

func (r *rejecting) expect(t *testing.T, want string) {
	t.Helper()
	if got := r.reason(t); got != want {
		t.Errorf("rejected as %q, want %q", got, want)
	}
}

func (r *rejecting) reason(t *testing.T) string {
	t.Helper()
	select {
	case got := <-r.reasons:
		return got
	case <-time.After(time.Minute):
		t.Fatal("no rejection")
		return ""
	}
}

// afterHandshake gives a listener a short time, and sees that it rejects as want
// who lets that pass after the handshake. Where the handshake itself takes
// longer, as on a machine without a free processor, it tries with more.
func afterHandshake(t *testing.T, listen listen, want string, use func(*rejecting)) {
	t.Helper()
	for timeout := 300 * time.Millisecond; ; timeout *= 2 {
		r := newRejecting(t, listen, transport.ListenConfig{HandshakeTimeout: timeout})
		use(r)
		got := r.reason(t)
		if got == want {
			return
		}
		slow := got == transport.RejectTimeout || got == transport.RejectNoStream
		if !slow || timeout > 20*time.Second {
			t.Fatalf("rejected as %q, want %q", got, want)
		}
	}
}

func (r *rejecting) addr() string { return r.Addr().String() }

func TestTCPRejects(t *testing.T) {
	alpn := []string{wire.ALPN}
	for _, c := range []struct {
		name   string
		client func(net.Conn, *tls.Config)
		want   string
	}{
		{"garbage", send("\x00\x01garbage garbage"), transport.RejectNotTLS},
		{"http", send("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), transport.RejectNotTLS},
		{"tls12", hello(&tls.Config{MaxVersion: tls.VersionTLS12, NextProtos: alpn}), transport.RejectTLSVersion},
		{"wrong alpn", hello(&tls.Config{NextProtos: []string{"h2"}}), transport.RejectALPN},
		{"no alpn", hello(&tls.Config{}), transport.RejectALPN},
		{"unknown certificate", hello(&tls.Config{NextProtos: alpn, ServerName: "other"}), transport.RejectTLS},
		{"gone", func(c net.Conn, _ *tls.Config) { _ = c.Close() }, transport.RejectGone},
		{"gone in the hello", func(c net.Conn, _ *tls.Config) { send("\x16\x03\x01\x02\x00half")(c, nil); _ = c.Close() }, transport.RejectGone},
		{"silence", func(net.Conn, *tls.Config) {}, transport.RejectTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := transport.ListenConfig{}
			if c.want == transport.RejectTimeout {
				cfg.HandshakeTimeout = 100 * time.Millisecond
			}
			r := newRejecting(t, transport.ListenTCP, cfg)
			raw, err := net.Dial("tcp", r.addr())
			if err != nil {
				t.Fatal(err)
			}
			defer raw.Close()
			c.client(raw, r.client)
			r.expect(t, c.want)
			_ = raw.SetReadDeadline(time.Now().Add(time.Minute))
			var timeout net.Error
			if _, err := io.Copy(io.Discard, raw); errors.As(err, &timeout) && timeout.Timeout() {
				t.Error("the connection was rejected and left open")
			}
		})
	}
}

func send(text string) func(net.Conn, *tls.Config) {
	return func(c net.Conn, _ *tls.Config) { _, _ = c.Write([]byte(text)) }
}

func hello(cfg *tls.Config) func(net.Conn, *tls.Config) {
	return func(c net.Conn, good *tls.Config) {
		cfg.RootCAs = good.RootCAs
		if cfg.ServerName == "" {
			cfg.ServerName = "127.0.0.1"
		}
		_ = tls.Client(c, cfg).Handshake()
	}
}

func TestQUICRejects(t *testing.T) {
	for _, c := range []struct {
		name string
		alpn string
		want string
	}{
		{"wrong alpn", "h3", transport.RejectALPN},
		{"gone", wire.ALPN, transport.RejectGone},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRejecting(t, transport.ListenQUIC, transport.ListenConfig{})
			if qc, err := dialRaw(r, c.alpn); err == nil {
				_ = qc.CloseWithError(0, "")
			}
			r.expect(t, c.want)
		})
	}
	t.Run("no stream", func(t *testing.T) {
		afterHandshake(t, transport.ListenQUIC, transport.RejectNoStream, func(r *rejecting) {
			if qc, err := dialRaw(r, wire.ALPN); err == nil {
				t.Cleanup(func() { _ = qc.CloseWithError(0, "") })
			}
		})
	})
}

// dialRaw makes a connection of QUIC that has no stream.
func dialRaw(r *rejecting, alpn string) (*quic.Conn, error) {
	config := r.client.Clone()
	config.NextProtos = []string{alpn}
	return quic.DialAddr(context.Background(), r.addr(), config, nil)
}

func TestQUICGarbageIsIgnored(t *testing.T) {
	r := newRejecting(t, transport.ListenQUIC, transport.ListenConfig{})
	raw, err := net.Dial("udp", r.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	for range 100 {
		send("GET / HTTP/1.1\r\nHost: x\r\n\r\n")(raw, nil)
	}
	accepted(t, r, transport.DialQUIC)
}

// accepted connects, to show that the listener still works, and stays.
func accepted(t *testing.T, r *rejecting, dial dial) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	device, err := dial(ctx, r.addr(), r.client)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = device.CloseWithCode(0, "") })
	if _, err := device.Write([]byte{1}); err != nil {
		t.Fatal(err)
	}
	edge, err := r.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.CloseWithCode(3000, "") })
}

func TestHandshakesAreBounded(t *testing.T) {
	const bound = 3
	t.Run("tcp", func(t *testing.T) {
		r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{MaxHandshakes: bound})
		for range bound + 1 {
			// The last one may be reset before Dial returns.
			if raw, err := net.Dial("tcp", r.addr()); err == nil {
				defer raw.Close()
			}
		}
		r.expect(t, transport.RejectBusy)
	})
	t.Run("quic", func(t *testing.T) {
		r := newRejecting(t, transport.ListenQUIC, transport.ListenConfig{MaxHandshakes: bound})
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		var last error
		for range bound + 1 {
			// Dialed without a byte written: the listener waits for a stream.
			c, err := transport.DialQUIC(ctx, r.addr(), r.client)
			if err == nil {
				defer func() { _ = c.CloseWithCode(0, "") }()
			}
			last = err
		}
		r.expect(t, transport.RejectBusy)
		var refused *quic.TransportError
		if !errors.As(last, &refused) || refused.ErrorCode != quic.ConnectionRefused {
			t.Errorf("the device got %v, want CONNECTION_REFUSED", last)
		}
	})
}

func TestSlotsComeBack(t *testing.T) {
	for _, i := range implementations {
		t.Run(i.name, func(t *testing.T) {
			// Two, because a slot comes back a moment after Accept.
			r := newRejecting(t, i.listen, transport.ListenConfig{MaxHandshakes: 2})
			for range 5 {
				accepted(t, r, i.dial)
			}
		})
	}
}

func TestNobodyAccepts(t *testing.T) {
	for _, i := range implementations {
		t.Run(i.name, func(t *testing.T) {
			afterHandshake(t, i.listen, transport.RejectBusy, func(r *rejecting) {
				device, err := i.dial(context.Background(), r.addr(), r.client)
				if err != nil {
					return
				}
				t.Cleanup(func() { _ = device.CloseWithCode(0, "") })
				_, _ = device.Write([]byte{1}) // the stream of QUIC
			})
		})
	}
}

func TestCloseEndsHandshakes(t *testing.T) {
	r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{HandshakeTimeout: time.Hour})
	raw, err := net.Dial("tcp", r.addr())
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	until(t, "a handshake", func() bool { return transport.ShakingHands(r.Listener) == 1 })
	_ = r.Close()
	r.expect(t, transport.RejectClosing)
}
