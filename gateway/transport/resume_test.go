package transport_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/quic-go/quic-go"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

var fleetKey = []byte("a secret of the fleet, 32 bytes.")

func listenNode(t *testing.T, node string, server *tls.Config) transport.Listener {
	t.Helper()
	l, err := transport.ListenQUIC(transport.ListenConfig{
		Addr: "127.0.0.1:0", TLS: server, FleetKey: fleetKey, Node: node, Workers: 1,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// What a device began at one edge it resumes at another one, with early data.
// A copy of that, sent to a third edge by somebody who recorded it, leads to
// nothing.
func TestEarlyDataAtAnotherNode(t *testing.T) {
	server, client := newTLS(t)
	first, second, third := listenNode(t, "edge-1", server), listenNode(t, "edge-2", server), listenNode(t, "edge-3", server)
	cache := newTickets()
	config := client.Clone()
	config.NextProtos = []string{wire.ALPN}
	config.ServerName, config.ClientSessionCache = "127.0.0.1", cache

	qc, _, _ := early(t, first, config, "first")
	if qc.ConnectionState().TLS.DidResume {
		t.Error("there was nothing to resume")
	}
	within(t, "a ticket", cache.came)
	_ = qc.CloseWithError(0, "")

	qc, edge, recorded := early(t, second, config, "second")
	state := qc.ConnectionState()
	if !state.TLS.DidResume || !state.Used0RTT {
		t.Errorf("resumed %v, early data %v", state.TLS.DidResume, state.Used0RTT)
	}
	if !edge.TLS().HandshakeComplete {
		t.Error("handed out before the handshake's end")
	}

	attacker, err := net.ListenUDP("udp", loopback())
	if err != nil {
		t.Fatal(err)
	}
	defer attacker.Close()
	for _, packet := range recorded {
		if _, err := attacker.WriteTo(packet, net.UDPAddrFromAddrPort(third.Addr())); err != nil {
			t.Fatal(err)
		}
	}
	// The edge answers, so it has what was sent; it hands out another one.
	_ = attacker.SetReadDeadline(time.Now().Add(time.Minute))
	if _, _, err := attacker.ReadFrom(make([]byte, 2000)); err != nil {
		t.Fatalf("no answer to the copy: %v", err)
	}
	early(t, third, config, "third")
}

// early connects with early data if it can, and returns both ends and what was
// sent before the edge's first answer.
func early(t *testing.T, l transport.Listener, config *tls.Config, text string) (*quic.Conn, transport.Conn, [][]byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	socket, err := net.ListenUDP("udp", loopback())
	if err != nil {
		t.Fatal(err)
	}
	recorder := &recorder{UDPConn: socket}
	tr := &quic.Transport{Conn: struct{ net.PacketConn }{recorder}, ConnectionIDLength: 16}
	t.Cleanup(func() { _, _ = tr.Close(), socket.Close() })
	answer := func() {}
	if _, resumes := config.ClientSessionCache.Get(config.ServerName); resumes {
		// quic-go opens streams and takes the edge's parameters without a lock
		// (its issue 4303), so the edge's answer waits for the stream.
		answer = recorder.hold()
		defer answer()
	}
	qc, err := tr.DialEarly(ctx, net.UDPAddrFromAddrPort(l.Addr()), config, nil)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := qc.OpenStream()
	if err != nil {
		t.Fatal(err)
	}
	answer()
	if _, err := stream.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	edge, err := l.Accept(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.CloseWithCode(0, "") })
	got := make([]byte, len(text))
	if _, err := io.ReadFull(edge, got); err != nil || string(got) != text {
		t.Fatalf("%s arrived as %q, %v", text, got, err)
	}
	return qc, edge, recorder.taken()
}

// recorder keeps what is sent before anything is received.
type recorder struct {
	*net.UDPConn
	held sync.Mutex // while nothing may be received

	mu       sync.Mutex
	sent     [][]byte // Guarded by mu.
	answered bool     // Guarded by mu.
	always   bool     // Guarded by mu: also later
}

func (r *recorder) WriteTo(p []byte, to net.Addr) (int, error) {
	r.mu.Lock()
	if !r.answered {
		r.sent = append(r.sent, append([]byte(nil), p...))
	}
	r.mu.Unlock()
	return r.UDPConn.WriteTo(p, to)
}

// hold keeps back what comes until release is called, any number of times.
func (r *recorder) hold() (release func()) {
	r.held.Lock()
	return sync.OnceFunc(r.held.Unlock)
}

func (r *recorder) ReadFrom(p []byte) (int, net.Addr, error) {
	n, from, err := r.UDPConn.ReadFrom(p)
	r.held.Lock()
	defer r.held.Unlock()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answered = r.answered || err == nil && !r.always
	return n, from, err
}

func (r *recorder) taken() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sent
}

// tickets is a cache that tells when it has one.
type tickets struct {
	tls.ClientSessionCache
	once sync.Once
	came chan struct{}
}

func newTickets() *tickets {
	return &tickets{ClientSessionCache: tls.NewLRUClientSessionCache(4), came: make(chan struct{})}
}

func (c *tickets) Put(key string, s *tls.ClientSessionState) {
	c.ClientSessionCache.Put(key, s)
	if s != nil {
		c.once.Do(func() { close(c.came) })
	}
}

func within(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("%s did not come", what)
	}
}

// An edge that gets packets of another one's connections, because somebody
// sends them there, does not end them.
func TestNoResetForAnotherNode(t *testing.T) {
	server, client := newTLS(t)
	first, second := listenNode(t, "edge-1", server), listenNode(t, "edge-2", server)
	foreign, own := aPacket(t, first, client), aPacket(t, second, client)
	own[1+15] ^= 1 // of a connection that the edge knows nothing of

	send := func(packet []byte) *net.UDPConn {
		s, err := net.ListenUDP("udp", loopback())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		if _, err := s.WriteTo(packet, net.UDPAddrFromAddrPort(second.Addr())); err != nil {
			t.Fatal(err)
		}
		return s
	}
	read := func(s *net.UDPConn, by time.Duration) error {
		_ = s.SetReadDeadline(time.Now().Add(by))
		_, _, err := s.ReadFrom(make([]byte, 2000))
		return err
	}
	// One worker answers in order: what it says to the first is there once it
	// has answered the second.
	replayed, lost := send(foreign), send(own)
	if err := read(lost, time.Minute); err != nil {
		t.Errorf("no answer to a packet that is the node's own: %v", err)
	}
	if err := read(replayed, 10*time.Millisecond); err == nil {
		t.Error("the node answered a packet that is another one's")
	}
}

// aPacket is one of a connection with l, longer than a stateless reset.
func aPacket(t *testing.T, l transport.Listener, config *tls.Config) []byte {
	t.Helper()
	socket, err := net.ListenUDP("udp", loopback())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	r := &recorder{UDPConn: socket}
	qc, stream, err := dialOver(t.Context(), struct{ net.PacketConn }{r}, l.Addr().String(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = qc.CloseWithError(0, "") })
	go echoAll(l)
	if err := sayAndHear(stream, "hello"); err != nil {
		t.Fatal(err)
	}
	r.again()
	if err := sayAndHear(stream, "a packet that is longer than a stateless reset"); err != nil {
		t.Fatal(err)
	}
	for _, p := range r.taken() {
		if p[0]&0x80 == 0 && len(p) > 60 {
			return p
		}
	}
	t.Fatal("nothing was recorded")
	return nil
}

// again begins to record anew, for good.
func (r *recorder) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sent, r.answered, r.always = nil, false, true
}
