package session

import (
	"context"
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/heartbeat"
)

// Probes come by the sockets' own deadlines.
func TestProbeOnSockets(t *testing.T) {
	t.Parallel()
	for name, sockets := range map[string]struct {
		listen func(transport.ListenConfig) (transport.Listener, error)
		dial   func(context.Context, string, *tls.Config) (transport.Conn, error)
	}{
		"tcp":  {transport.ListenTCP, transport.DialTCP},
		"quic": {transport.ListenQUIC, transport.DialQUIC},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine := &scripted{plan: heartbeat.Plan{Interval: time.Minute, Probe: 1600 * time.Millisecond}}
			e := overSockets(t, sockets.listen, engine)
			d := e.dial(sockets.dial, e.addr)
			for range 2 {
				d.expect(wire.TypeProbe)
				d.send(&wire.Ping{Answer: true})
				d.expect(wire.TypePong)
			}
			told := strings.Split(engine.take(), ", ")
			if len(told) != 4 || !strings.HasPrefix(told[0], "probed ") || !strings.HasPrefix(told[3], "heard ") {
				t.Fatalf("the engine was told %q", told)
			}
			for _, i := range []int{0, 2} {
				at, err := time.ParseDuration(strings.TrimPrefix(told[i], "probed "))
				if err != nil || at < 1600*time.Millisecond {
					t.Errorf("%s, %v; want 1.6s or more", told[i], err)
				}
			}
		})
	}
}

// A device on QUIC whose NAT forgot it comes from another port, and one that
// moved from another network: that is seen, once, and not of one that stays where
// it is.
func TestRebinding(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		from net.IP
		told string
	}{
		"port":    {net.IPv4(127, 0, 0, 1), "rebound "},
		"network": {net.IPv4(127, 0, 7, 1), "move "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine := &scripted{plan: heartbeat.Plan{Interval: time.Minute}}
			e := overSockets(t, transport.ListenQUIC, engine)
			nat := newForgetful(t, e.addr)
			d := e.dial(transport.DialQUIC, nat.addr())
			told := ""
			beat := func() {
				t.Helper()
				time.Sleep(2 * lookFrom / quick)
				d.send(&wire.Ping{})
				d.expect(wire.TypePong)
				time.Sleep(4 * lookAfter / quick)
				told += engine.take()
			}
			beat()
			nat.forget(t, tt.from)
			// A busy machine takes longer to prove the new address than the edge
			// waits, which looks again after the next silence.
			for range 30 {
				if beat(); strings.Contains(told, tt.told) {
					break
				}
			}
			beat()
			beat()
			if strings.Count(told, "rebound ")+strings.Count(told, "move ") != 1 || !strings.Contains(told, tt.told) {
				t.Errorf("the engine was told %q, want one %q", told, tt.told)
			}
		})
	}
}

// quick is how much faster than in the field these tests beat.
const quick = 20

// socketed is an edge on real sockets.
type socketed struct {
	t      *testing.T
	srv    *Server
	addr   string
	tls    *tls.Config
	signer *token.Signer
}

func overSockets(t *testing.T, listen func(transport.ListenConfig) (transport.Listener, error), engine heartbeat.Engine) *socketed {
	t.Helper()
	server, client := certificates(t)
	l, err := listen(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	srv, signer := socketEdge(t)
	srv.cfg.Heartbeat, srv.cfg.HeartbeatScale = engine, quick
	served := make(chan error, 1)
	ctx, stop := context.WithCancel(context.Background())
	go func() { served <- srv.Serve(ctx, l) }()
	t.Cleanup(func() {
		stop()
		<-served
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return &socketed{t, srv, l.Addr().String(), client, signer}
}

// phone is a device on real sockets that has been welcomed.
type phone struct {
	t      *testing.T
	conn   transport.Conn
	reader *wire.Reader
}

func (e *socketed) dial(dial func(context.Context, string, *tls.Config) (transport.Conn, error), addr string) *phone {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := dial(ctx, addr, e.tls)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { _ = conn.CloseWithCode(0, "") })
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	jwt, err := e.signer.Sign(token.Identity{Tenant: "acme", User: "anna", Device: "phone", ExpiresAt: time.Now().Add(time.Hour)}, time.Now())
	if err != nil {
		e.t.Fatal(err)
	}
	p := &phone{e.t, conn, wire.NewReader(conn, wire.MaxPayload)}
	p.send(&wire.Hello{Body: &wirepb.Hello{Token: jwt}})
	p.expect(wire.TypeWelcome)
	return p
}

func (p *phone) send(f wire.Frame) {
	p.t.Helper()
	if _, err := p.conn.Write(wire.AppendWide(nil, f)); err != nil {
		p.t.Fatal(err)
	}
}

func (p *phone) expect(want wire.Type) {
	p.t.Helper()
	if f, err := p.reader.Next(); err != nil || f.Type() != want {
		p.t.Fatalf("%+v, %v; want %s", f, err, want)
	}
}

// forgetful is a NAT of one device, which can lose its mapping.
type forgetful struct {
	inner   *net.UDPConn
	edge    *net.UDPAddr
	outer   chan *net.UDPConn // the present one; holds one
	device  chan net.Addr     // holds one, once it is known
	stopped chan struct{}
}

func newForgetful(t *testing.T, edge string) *forgetful {
	t.Helper()
	at, err := net.ResolveUDPAddr("udp", edge)
	if err != nil {
		t.Fatal(err)
	}
	inner, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	n := &forgetful{inner: inner, edge: at, outer: make(chan *net.UDPConn, 1), device: make(chan net.Addr, 1), stopped: make(chan struct{})}
	n.use(n.open(t, net.IPv4(127, 0, 0, 1)), nil)
	go n.out()
	t.Cleanup(func() {
		_ = inner.Close()
		<-n.stopped
		_ = (<-n.outer).Close()
	})
	return n
}

func (n *forgetful) addr() string { return n.inner.LocalAddr().String() }

// open takes a port of an address. Only Linux has all of 127.0.0.0/8.
func (n *forgetful) open(t *testing.T, from net.IP) *net.UDPConn {
	t.Helper()
	outer, err := net.DialUDP("udp", &net.UDPAddr{IP: from}, n.edge)
	if err != nil && !from.Equal(net.IPv4(127, 0, 0, 1)) {
		t.Skip("this machine has no such address: ", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return outer
}

// forget closes the port that the edge knows and takes another one, of that
// address.
func (n *forgetful) forget(t *testing.T, from net.IP) {
	t.Helper()
	n.use(n.open(t, from), <-n.outer)
}

// use has the device's packets come from a port from now on, and not from the one
// before.
func (n *forgetful) use(outer, before *net.UDPConn) {
	n.outer <- outer
	go n.in(outer)
	if before != nil {
		_ = before.Close()
	}
}

func (n *forgetful) out() {
	defer close(n.stopped)
	b := make([]byte, 2048)
	for {
		size, from, err := n.inner.ReadFrom(b)
		if err != nil {
			return
		}
		select {
		case n.device <- from:
		default:
		}
		outer := <-n.outer
		_, _ = outer.Write(b[:size])
		n.outer <- outer
	}
}

func (n *forgetful) in(outer *net.UDPConn) {
	b := make([]byte, 2048)
	for {
		size, err := outer.Read(b)
		if err != nil {
			return
		}
		to := <-n.device
		n.device <- to
		if _, err := n.inner.WriteTo(b[:size], to); err != nil {
			return
		}
	}
}
