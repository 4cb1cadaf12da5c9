package client_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// twoPlaces runs a client that is given two addresses, of which the first
// answers no dial over QUIC and those over TCP as refused says.
func twoPlaces(t *testing.T, mode string, refused bool, script func(e *edge, dials func() []string, began time.Time)) {
	t.Helper()
	var mu sync.Mutex
	var dials []string
	var began time.Time
	var alive *memtransport.Listener
	virtual(t, func(c *client.Config) {
		began, alive = time.Now(), memtransport.Listen()
		c.Addr, c.Transport = "dead:1, alive:1", mode
		c.Dial = func(ctx context.Context, kind transport.Kind, addr string) (transport.Conn, error) {
			mu.Lock()
			dials = append(dials, string(kind)+" "+addr)
			mu.Unlock()
			switch {
			case addr == "alive:1":
				conn, err := alive.Dial(ctx)
				return kindConn{conn, kind}, err
			case refused && kind == tcp:
				return nil, syscall.ECONNREFUSED
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}
	}, func(e *edge) {
		e.listener = alive
		script(e, func() []string {
			mu.Lock()
			defer mu.Unlock()
			return slices.Clone(dials)
		}, began)
	})
}

func TestDeadAddressIsPassedOver(t *testing.T) {
	for name, c := range map[string]struct {
		mode    string
		refused bool
		after   time.Duration
		dials   string
	}{
		"the process is dead":        {client.Auto, true, 200 * time.Millisecond, "quic dead:1,tcp dead:1,quic alive:1"},
		"the machine is dead":        {client.Auto, false, 1200 * time.Millisecond, "quic dead:1,tcp dead:1,quic alive:1"},
		"dead, and QUIC alone":       {client.QUIC, true, time.Second, "quic dead:1,quic alive:1"},
		"the process, and TCP alone": {client.TCP, true, 0, "tcp dead:1,tcp alive:1"},
		"the machine, and TCP alone": {client.TCP, false, time.Second, "tcp dead:1,tcp alive:1"},
	} {
		t.Run(name, func(t *testing.T) {
			twoPlaces(t, c.mode, c.refused, func(e *edge, dials func() []string, began time.Time) {
				e.welcomed(nil)
				if took := time.Since(began); took != c.after {
					t.Errorf("connected after %v, want %v", took, c.after)
				}
				if got := strings.Join(dials(), ","); got != c.dials {
					t.Errorf("dialed %s, want %s", got, c.dials)
				}
			})
		})
	}
}

// That a dead edge does not answer says nothing of the network.
func TestDeadAddressDoesNotCostQUIC(t *testing.T) {
	twoPlaces(t, client.Auto, true, func(e *edge, dials func() []string, _ time.Time) {
		p := e.welcomed(&wirepb.Welcome{})
		_ = p.conn.CloseWithCode(0, "")
		e.welcomed(nil)
		if got := dials(); got[3] != "quic dead:1" {
			t.Errorf("dialed %v", got)
		}
	})
}

// A device that is sent elsewhere while its edge drains is refused there, over
// either transport, on real sockets: it goes to the next address at once, and
// does not wait for a silent one.
func TestDrainingEdgeRefuses(t *testing.T) {
	for mode, kind := range map[string]transport.Kind{client.TCP: tcp, client.QUIC: quic, client.Auto: quic} {
		t.Run(mode, func(t *testing.T) {
			server, _ := newTLS(t)
			otherTCP, otherQUIC, err := transport.ListenBoth(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
			if err != nil {
				t.Fatal(err)
			}
			defer otherTCP.Close()
			defer otherQUIC.Close()
			// The first failure is the draining edge's answer; the dials that a device
			// gives up once it is connected tell nothing. On a machine without a free
			// processor that may be before the answer: so nobody else answers sooner.
			failures, refused := make(chan error, 1), make(chan struct{})
			s := onSockets(t, mode, func(c *client.Config) {
				draining := c.Addr
				c.Addr += "," + otherTCP.Addr().String()
				leaf, err := x509.ParseCertificate(server.Certificates[0].Certificate[0])
				if err != nil {
					t.Fatal(err)
				}
				c.TLS.RootCAs.AddCert(leaf)
				dial := dialKind(mode, c.TLS)
				c.Dial = func(ctx context.Context, kind transport.Kind, addr string) (transport.Conn, error) {
					if addr != draining {
						select {
						case <-refused:
						case <-ctx.Done():
							return nil, ctx.Err()
						}
					}
					conn, err := dial(ctx, kind, addr)
					if err != nil && ctx.Err() == nil {
						select {
						case failures <- err:
							close(refused)
						default:
						}
					}
					return conn, err
				}
			})
			p := s.welcomed(t, kind)
			for _, l := range s.byKind {
				_ = l.Close()
			}
			s.byKind = map[transport.Kind]transport.Listener{tcp: otherTCP, quic: otherQUIC}
			p.send(&wire.GoAway{Body: &wirepb.GoAway{}})
			s.welcomed(t, kind)
			if err := <-failures; !transport.Refused(err) {
				t.Errorf("the draining edge refuses with %v", err)
			}
			s.cancel()
			_ = s.returned(t)
		})
	}
}

func dialKind(mode string, config *tls.Config) func(context.Context, transport.Kind, string) (transport.Conn, error) {
	if mode == client.Auto {
		return quicFirst(config)
	}
	return func(ctx context.Context, kind transport.Kind, addr string) (transport.Conn, error) {
		if kind == quic {
			return transport.DialQUIC(ctx, addr, config)
		}
		return transport.DialTCP(ctx, addr, config)
	}
}
