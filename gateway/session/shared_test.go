package session

import (
	"context"
	"crypto/tls"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Edges share a port, and one drains: every device that connects meanwhile is
// welcomed, by one or the other.
func TestDrainOfSharedPort(t *testing.T) {
	if !transport.CanShare {
		t.Skip("processes of this system share no port")
	}
	server, client := certificates(t)
	first, signer := socketEdge(t)
	stays := share(t, first, "127.0.0.1:0", server)
	a := &arrivals{addr: stays.Addr().String(), tls: client, signer: signer}
	a.begin(32)
	for range 2 {
		srv, _ := socketEdge(t)
		srv.cfg.Verifier = first.cfg.Verifier
		leaves := share(t, srv, a.addr, server)
		for end := time.Now().Add(time.Minute); srv.Hub().Count() == 0; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("no device came")
			}
		}
		leaves.drain(t)
	}
	a.end()
	stays.drain(t)
	t.Logf("%d devices came", a.came.Load())
	if n := a.refused.Load(); n > 0 {
		t.Errorf("%d devices were refused: %v", n, a.why.Load())
	}
}

// sharing is an edge that shares its port.
type sharing struct {
	transport.Listener
	srv    *Server
	stop   context.CancelFunc
	served chan error
}

func share(t *testing.T, srv *Server, addr string, cfg *tls.Config) *sharing {
	t.Helper()
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: addr, TLS: cfg, Shared: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &sharing{Listener: l, srv: srv, stop: stop, served: make(chan error, 1)}
	go func() { s.served <- srv.Serve(ctx, l) }()
	return s
}

// drain is what an edge does before it ends.
func (s *sharing) drain(t *testing.T) {
	t.Helper()
	if err := s.Leave(t.Context()); err != nil {
		t.Error(err)
	}
	s.srv.Drain(t.Context(), time.Second)
	s.stop()
	<-s.served
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

// arrivals are devices that come without a pause.
type arrivals struct {
	addr   string
	tls    *tls.Config
	signer *token.Signer

	running sync.WaitGroup
	over    atomic.Bool

	came, refused atomic.Int64
	why           atomic.Value // of error
}

// patience is for how long an edge that leaves waits for a handshake. On a
// machine without a free processor some take longer, and are cut.
const patience = 3 * time.Second

func (a *arrivals) begin(workers int) {
	for i := range workers {
		a.running.Go(func() {
			for n := 0; !a.over.Load(); n++ {
				a.came.Add(1)
				start := time.Now()
				if err := a.arrive(fmt.Sprintf("phone-%d-%d", i, n)); err != nil && time.Since(start) < patience {
					a.refused.Add(1)
					a.why.Store(err)
				}
			}
		})
	}
}

func (a *arrivals) end() {
	a.over.Store(true)
	a.running.Wait()
}

// arrive connects, and wants a Welcome.
func (a *arrivals) arrive(device string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := transport.DialTCP(ctx, a.addr, a.tls)
	if err != nil {
		return fmt.Errorf("dial: %w", err)
	}
	defer conn.CloseWithCode(0, "")
	jwt, err := a.signer.Sign(token.Identity{Tenant: "acme", User: "anna", Device: device, ExpiresAt: time.Now().Add(time.Hour)}, time.Now())
	if err != nil {
		return err
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := conn.Write(wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: jwt}})); err != nil {
		return fmt.Errorf("hello: %w", err)
	}
	f, err := wire.NewReader(conn, wire.MaxPayload).Next()
	if err == nil && f.Type() != wire.TypeWelcome {
		err = fmt.Errorf("%s: %+v", f.Type(), f)
	}
	if err != nil {
		return fmt.Errorf("welcome: %w", err)
	}
	return nil
}
