package transport_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// Devices that get another address, first without noticing, as behind a NAT,
// and then on purpose, keep their connections: each of the workers gets the
// packets of its connections, from wherever they come. With HAWSER_FAULTS=1
// there are a thousand of them.
func TestDevicesMoveOverWorkers(t *testing.T) {
	devices := 60
	if os.Getenv("HAWSER_FAULTS") == "1" {
		devices = 1000
	}
	t.Run("one address", func(t *testing.T) { moveAll(t, "127.0.0.1:0", devices) })
	t.Run("all addresses", func(t *testing.T) { moveAll(t, ":0", 60) })
}

func moveAll(t *testing.T, at string, count int) {
	server, client := newTLS(t)
	l, err := transport.ListenQUIC(transport.ListenConfig{Addr: at, TLS: server, Workers: 4, HandshakeTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go echoAll(l)
	addr := netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), l.Addr().Port()).String()

	movers := make([]mover, count)
	t.Cleanup(func() {
		for i := range movers {
			movers[i].close()
		}
	})
	step := func(what string, do func(*mover) error) {
		var survived atomic.Int64
		var all sync.WaitGroup
		turns := make(chan struct{}, 16)
		for n := range movers {
			all.Go(func() {
				turns <- struct{}{}
				defer func() { <-turns }()
				if err := do(&movers[n]); err != nil {
					t.Errorf("device %d %s: %v", n, what, err)
					return
				}
				survived.Add(1)
			})
		}
		all.Wait()
		t.Logf("%s: %d of %d", what, survived.Load(), count)
		if t.Failed() {
			t.FailNow()
		}
	}
	step("connected", func(m *mover) error { return m.connect(t.Context(), addr, client) })
	step("rebound", (*mover).rebind)
	step("rebound again", (*mover).rebind)
	step("switched", func(m *mover) error { return m.change(t.Context()) })
	perWorker := transport.ConnsPerWorker(l)
	t.Logf("connections by worker: %v", perWorker)
	for w, n := range perWorker {
		if n == 0 {
			t.Errorf("worker %d of %d has had no connection", w, len(perWorker))
		}
	}
}

// echoAll sends back what devices send.
func echoAll(l transport.Listener) {
	for {
		c, err := l.Accept(context.Background())
		if err != nil {
			return
		}
		go func() {
			_, _ = io.Copy(struct{ io.Writer }{c}, struct{ io.Reader }{c})
			_ = c.CloseWithCode(0, "")
		}()
	}
}

// mover is a device that moves.
type mover struct {
	nat    *nat
	qc     *quic.Conn
	stream *quic.Stream
	other  *net.UDPConn
	path   *quic.Transport // over other
}

func (m *mover) connect(ctx context.Context, addr string, config *tls.Config) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if m.nat, err = newNAT(); err != nil {
		return err
	}
	if m.qc, m.stream, err = dialOver(ctx, m.nat, addr, config); err != nil {
		return err
	}
	return sayAndHear(m.stream, "connected")
}

// rebind gives the device another address without its knowledge.
func (m *mover) rebind() error {
	if err := m.nat.rebind(); err != nil {
		return err
	}
	return sayAndHear(m.stream, "rebound")
}

// change moves to another socket, as to another network.
func (m *mover) change(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if m.other, err = net.ListenUDP("udp", loopback()); err != nil {
		return err
	}
	m.path = &quic.Transport{Conn: m.other, ConnectionIDLength: 16}
	path, err := m.qc.AddPath(m.path)
	if err != nil {
		return err
	}
	if err := path.Probe(ctx); err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	if err := path.Switch(); err != nil {
		return fmt.Errorf("switch: %w", err)
	}
	return sayAndHear(m.stream, "switched")
}

func (m *mover) close() {
	if m.qc != nil {
		_ = m.qc.CloseWithError(0, "")
	}
	if m.path != nil {
		_ = m.path.Close()
		_ = m.other.Close()
	}
	if m.nat != nil {
		_ = m.nat.Close()
	}
}

// sayAndHear says something and hears it back. What is lost on the way is repeated
// by QUIC, so that it takes a while at most.
func sayAndHear(stream *quic.Stream, text string) error {
	_ = stream.SetDeadline(time.Now().Add(time.Minute))
	if _, err := stream.Write([]byte(text)); err != nil {
		return fmt.Errorf("%s: write: %w", text, err)
	}
	got := make([]byte, len(text))
	if _, err := io.ReadFull(stream, got); err != nil {
		return fmt.Errorf("%s: read: %w", text, err)
	}
	if string(got) != text {
		return fmt.Errorf("%s came back as %q", text, got)
	}
	return nil
}

func dialOver(ctx context.Context, socket net.PacketConn, addr string, config *tls.Config) (*quic.Conn, *quic.Stream, error) {
	config = config.Clone()
	config.NextProtos = []string{wire.ALPN}
	remote, err := net.ResolveUDPAddr("udp", addr)
	if err != nil {
		return nil, nil, err
	}
	tr := &quic.Transport{Conn: socket, ConnectionIDLength: 16}
	// On a machine without a free processor a handshake may wait for long, and a
	// device until all the others have moved.
	qc, err := tr.Dial(ctx, remote, config, &quic.Config{MaxIdleTimeout: 10 * time.Minute, HandshakeIdleTimeout: time.Minute})
	if err != nil {
		return nil, nil, err
	}
	stream, err := qc.OpenStream()
	return qc, stream, err
}

func loopback() *net.UDPAddr { return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// nat is a socket whose address changes behind its owner's back.
type nat struct {
	mu     sync.Mutex
	socket *net.UDPConn // Guarded by mu.
	until  time.Time    // Guarded by mu: the read deadline.
	closed bool         // Guarded by mu.
}

func newNAT() (*nat, error) {
	s, err := net.ListenUDP("udp", loopback())
	return &nat{socket: s}, err
}

func (n *nat) now() *net.UDPConn {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.socket
}

func (n *nat) rebind() error {
	s, err := net.ListenUDP("udp", loopback())
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = s.SetReadDeadline(n.until)
	old := n.socket
	n.socket = s
	return old.Close()
}

func (n *nat) ReadFrom(p []byte) (int, net.Addr, error) {
	for {
		s := n.now()
		size, from, err := s.ReadFrom(p)
		n.mu.Lock()
		again := err != nil && s != n.socket && !n.closed
		n.mu.Unlock()
		if !again {
			return size, from, err
		}
	}
}

func (n *nat) WriteTo(p []byte, to net.Addr) (int, error) {
	for {
		s := n.now()
		size, err := s.WriteTo(p, to)
		if err == nil || s == n.now() {
			return size, err
		}
	}
}

func (n *nat) Close() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	return n.socket.Close()
}

func (n *nat) LocalAddr() net.Addr { return n.now().LocalAddr() }

func (n *nat) SetReadDeadline(t time.Time) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.until = t
	return n.socket.SetReadDeadline(t)
}

func (n *nat) SetDeadline(t time.Time) error    { return n.SetReadDeadline(t) }
func (*nat) SetWriteDeadline(_ time.Time) error { return nil }
