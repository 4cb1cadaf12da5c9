package client_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math/big"
	"net"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

func newTLS(t testing.TB) (server, device *tls.Config) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, &tls.Config{RootCAs: roots}
}

// sockets is a scripted edge on both transports.
type sockets struct {
	byKind map[transport.Kind]transport.Listener
	client *client.Client
	ran    chan error
	cancel context.CancelFunc
}

// onSockets is such an edge and a client of it that runs.
func onSockets(t *testing.T, mode string, configure func(*client.Config)) *sockets {
	t.Helper()
	s, device := listening(t)
	s.run(t, device, mode, configure)
	return s
}

// listening is an edge that nobody calls yet, and the device's side of its TLS.
func listening(t *testing.T) (*sockets, *tls.Config) {
	t.Helper()
	server, device := newTLS(t)
	overTCP, overQUIC, err := transport.ListenBoth(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = overTCP.Close()
		_ = overQUIC.Close()
	})
	return &sockets{byKind: map[transport.Kind]transport.Listener{tcp: overTCP, quic: overQUIC}, ran: make(chan error, 1)}, device
}

func (s *sockets) run(t *testing.T, device *tls.Config, mode string, configure func(*client.Config)) {
	t.Helper()
	cfg := client.Config{
		Addr:      s.byKind[tcp].Addr().String(),
		Transport: mode,
		TLS:       device,
		Token:     func(context.Context) (string, error) { return "token", nil },
	}
	if configure != nil {
		configure(&cfg)
	}
	var err error
	if s.client, err = client.New(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel = cancel
	t.Cleanup(cancel)
	go func() { s.ran <- s.client.Run(ctx) }()
}

// welcomed welcomes the device, over connections that it gives up: those that
// have lost a race end without a word.
func (s *sockets) welcomed(t *testing.T, kind transport.Kind) *peer {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for {
		c, err := s.byKind[kind].Accept(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p := newPeer(t, c)
		f, err := p.next()
		if err != nil {
			continue
		}
		hello, ok := f.(*wire.Hello)
		if !ok {
			t.Fatalf("the device begins with %s", f.Type())
		}
		p.hello = hello.Body
		p.welcome(nil)
		return p
	}
}

// quicFirst dials as a client does whose machine has a free processor: where it
// has none QUIC may take longer than its head start, so here TCP waits until
// QUIC has failed.
func quicFirst(config *tls.Config) func(context.Context, transport.Kind, string) (transport.Conn, error) {
	failed := make(chan struct{}, 100)
	return func(ctx context.Context, kind transport.Kind, addr string) (transport.Conn, error) {
		if kind == quic {
			conn, err := transport.DialQUIC(ctx, addr, config)
			if err != nil && ctx.Err() == nil {
				failed <- struct{}{}
			}
			return conn, err
		}
		select {
		case <-failed:
			return transport.DialTCP(ctx, addr, config)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (s *sockets) returned(t *testing.T) error {
	t.Helper()
	select {
	case err := <-s.ran:
		return err
	case <-time.After(time.Minute):
		t.Fatal("Run did not return")
		return nil
	}
}

func TestRealSockets(t *testing.T) {
	for mode, kind := range map[string]transport.Kind{client.TCP: tcp, client.QUIC: quic, client.Auto: quic} {
		t.Run(mode, func(t *testing.T) {
			events := make(chan client.Event, 1)
			s := onSockets(t, mode, func(c *client.Config) {
				c.OnEvent = func(_ context.Context, ev client.Event) error { events <- ev; return nil }
				if mode == client.Auto {
					c.Dial = quicFirst(c.TLS)
				}
			})
			p := s.welcomed(t, kind)
			big := make([]byte, 50_000)
			p.send(notify(1, 7))
			p.sync("messages", 0, &wirepb.SyncResponse{Head: 7, Items: []*wirepb.Item{{Version: 7, Data: big}}})
			if ev := <-events; len(ev.Items) != 1 || len(ev.Items[0].Data) != len(big) {
				t.Errorf("event of version %d with %d items", ev.Version, len(ev.Items))
			}
			p.expectAck(7)
			p.closeWith(wire.CloseShutdown)
			p = s.welcomed(t, kind)
			if len(p.hello.Versions) != 1 || p.hello.Versions[0].Version != 7 {
				t.Errorf("versions %v", p.hello.Versions)
			}
			p.send(notify(1, 7))
			p.expectAck(7)
			s.cancel()
			expect[*wire.Bye](p)
			if err := s.returned(t); !errors.Is(err, context.Canceled) {
				t.Errorf("Run = %v", err)
			}
		})
	}
}

func TestCloseCodeOnRealSockets(t *testing.T) {
	for mode, kind := range map[string]transport.Kind{client.TCP: tcp, client.QUIC: quic} {
		t.Run(mode, func(t *testing.T) {
			s := onSockets(t, mode, nil)
			s.welcomed(t, kind).closeWith(wire.CloseSuperseded)
			var closed *client.CloseError
			if err := s.returned(t); !errors.As(err, &closed) || closed.Code != wire.CloseSuperseded {
				t.Errorf("Run = %v", err)
			}
		})
	}
}

// UDP is dead: nothing listens there.
func TestFallsBackToTCP(t *testing.T) {
	s, device := listening(t)
	if err := s.byKind[quic].Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}
	s.run(t, device, client.Auto, nil)
	s.welcomed(t, tcp)
	s.cancel()
	_ = s.returned(t)
}
