package session

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/prometheus/client_golang/prometheus"
)

// testVerifier takes tokens of the form tenant/user/device/expiry, the expiry
// in seconds since 1970. What follows is a forged signature.
type testVerifier struct{}

func (v testVerifier) Verify(s string, now time.Time) (token.Identity, error) {
	return v.VerifyIf(s, now, func(token.Identity) error { return nil })
}

func (testVerifier) VerifyIf(s string, now time.Time, worth func(token.Identity) error) (token.Identity, error) {
	parts := strings.Split(s, "/")
	if len(parts) < 4 {
		return token.Identity{}, token.ErrMalformed
	}
	exp, err := strconv.ParseInt(parts[3], 10, 64)
	if err != nil {
		return token.Identity{}, token.ErrClaims
	}
	id := token.Identity{Tenant: parts[0], User: parts[1], Device: parts[2], ExpiresAt: time.Unix(exp, 0)}
	switch err := worth(id); {
	case err != nil:
		return token.Identity{}, err
	case len(parts) > 4:
		return token.Identity{}, token.ErrSignature
	case !now.Before(id.ExpiresAt):
		return token.Identity{}, token.ErrExpired
	}
	return id, nil
}

func testToken(device string, life time.Duration) string {
	return fmt.Sprintf("acme/anna/%s/%d", device, time.Now().Add(life).Unix())
}

// testRegistry keeps what it was told.
type testRegistry struct {
	mu       sync.Mutex
	live     map[uint64]Registration
	order    []string // "register 1 background", "unregister 1"
	answers  []reply
	puts     []Device
	removed  []string
	putErr   error
	hangPuts chan struct{} // nil: puts do not wait for it
	rmErr    error
}

func (r *testRegistry) Register(reg Registration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.live[reg.Conn] = reg
	line := fmt.Sprint("register ", reg.Conn)
	if reg.Background {
		line += " background"
	}
	r.order = append(r.order, line)
}

func (r *testRegistry) Unregister(conn uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.live, conn)
	r.order = append(r.order, fmt.Sprint("unregister ", conn))
}

func (r *testRegistry) Answer(router string, a Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.answers = append(r.answers, reply{router, a})
}

func (r *testRegistry) PutDevice(ctx context.Context, d Device) error {
	if r.hangPuts != nil {
		select {
		case <-r.hangPuts:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.puts = append(r.puts, d)
	return r.putErr
}

func (r *testRegistry) RemoveDevice(_ context.Context, tenant, user, device, jwt string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := tenant + "/" + user + "/" + device
	if !strings.HasPrefix(jwt, id+"/") {
		id += " without its token"
	}
	r.removed = append(r.removed, id)
	return r.rmErr
}

func (r *testRegistry) set(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

// written returns the records that were written.
func (r *testRegistry) written() []Device {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.puts)
}

// calls returns what was registered and unregistered, in order.
func (r *testRegistry) calls() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.order)
}

// takeAnswers returns the answers since the last call.
func (r *testRegistry) takeAnswers() []reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := r.answers
	r.answers = nil
	return out
}

type relayFunc func(context.Context, Call) ([]byte, error)

func (f relayFunc) Call(ctx context.Context, c Call) ([]byte, error) { return f(ctx, c) }

// edge is a server on a transport in memory.
type edge struct {
	t        *testing.T
	srv      *Server
	registry *testRegistry
	listener *memtransport.Listener
	metrics  *prometheus.Registry
	stop     func() // ends Serve and waits for it
}

// inBubble runs a test against an edge, in virtual time. That the bubble ends
// proves that no goroutine is left.
func inBubble(t *testing.T, change func(*Config), test func(*edge)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newEdge(t, change)
		defer e.stop()
		test(e)
	})
}

func newEdge(t *testing.T, change func(*Config)) *edge {
	t.Helper()
	e := &edge{t: t, registry: &testRegistry{live: map[uint64]Registration{}}, listener: memtransport.Listen(), metrics: prometheus.NewRegistry()}
	cfg := Config{
		Verifier: testVerifier{}, Registry: e.registry, Registerer: e.metrics, Edge: "edge-1",
		Relay:     relayFunc(func(_ context.Context, c Call) ([]byte, error) { return c.Body, nil }),
		TicketKey: []byte("a key of 32 bytes for the tests."),
		Kinds: func(tenant string) []string {
			if tenant != "acme" {
				return nil
			}
			return []string{"contacts", "messages"}
		},
	}
	if change != nil {
		change(&cfg)
	}
	srv, err := NewServer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.srv = srv
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- srv.Serve(ctx, e.listener) }()
	e.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Serve returned %v", err)
		}
		if n := srv.Hub().Count(); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
		if len(e.registry.live) != 0 {
			t.Errorf("registered after the end: %v", e.registry.live)
		}
	})
	return e
}

// counter returns a counter's value by its name and label values.
func (e *edge) counter(name string, labels ...string) float64 {
	e.t.Helper()
	return metrictest.Value(e.t, e.metrics, "hawser_session_"+name, labels...)
}

// device is the other end of a connection.
type device struct {
	t       *testing.T
	conn    *memtransport.Conn
	reader  *wire.Reader
	welcome *wirepb.Welcome
}

func (e *edge) dial() *device {
	e.t.Helper()
	conn, err := e.listener.Dial(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	return &device{t: e.t, conn: conn, reader: wire.NewReader(conn, wire.MaxPayload)}
}

// connect dials and says Hello as device phone, changed by change.
func (e *edge) connect(change func(*wirepb.Hello)) *device {
	e.t.Helper()
	d := e.dial()
	hello := &wirepb.Hello{Token: testToken("phone", 24*time.Hour)}
	if change != nil {
		change(hello)
	}
	d.send(&wire.Hello{Body: hello})
	w, ok := d.next().(*wire.Welcome)
	if !ok {
		e.t.Fatal("the first frame is no Welcome")
	}
	d.welcome = w.Body
	return d
}

func (d *device) send(frames ...wire.Frame) {
	d.t.Helper()
	var b []byte
	for _, f := range frames {
		b = wire.Append(b, f)
	}
	d.raw(b)
}

func (d *device) raw(b []byte) {
	d.t.Helper()
	if _, err := d.conn.Write(b); err != nil {
		d.t.Fatalf("write: %v", err)
	}
}

// next returns the next frame.
func (d *device) next() wire.Frame {
	d.t.Helper()
	f, err := d.reader.Next()
	if err != nil {
		d.t.Fatalf("read: %v", err)
	}
	return f
}

// silent fails if a frame comes within t.
func (d *device) silent(t time.Duration) {
	d.t.Helper()
	_ = d.conn.SetReadDeadline(time.Now().Add(t))
	if f, err := d.reader.Next(); err == nil {
		d.t.Fatalf("unexpected %s: %+v", f.Type(), f)
	}
	_ = d.conn.SetReadDeadline(time.Time{})
}

// closed passes over other frames to Close, checks its code and that the
// connection ends after it.
func (d *device) closed(want wire.CloseCode) *wire.Close {
	d.t.Helper()
	for {
		f, err := d.reader.Next()
		if err != nil {
			d.t.Fatalf("no Close frame before %v", err)
		}
		c, ok := f.(*wire.Close)
		if !ok {
			continue
		}
		if c.Code != want {
			d.t.Fatalf("closed with %d %s (%s), want %d %s", c.Code, c.Code, c.Reason, want, want)
		}
		if f, err := d.reader.Next(); err == nil {
			d.t.Fatalf("%s after Close", f.Type())
		}
		return c
	}
}

// expectNotify returns the version of the next frame, which has to be a
// Notify of kind.
func (d *device) expectNotify(kind string) int64 {
	d.t.Helper()
	n, ok := d.next().(*wire.Notify)
	if !ok {
		d.t.Fatal("not a Notify")
	}
	if name, err := wire.Kinds(d.welcome.Kinds).Name(n.Kind); err != nil || name != kind {
		d.t.Fatalf("a Notify of %q, %v; want %q", name, err, kind)
	}
	return n.Version
}

func (d *device) ack(kind string, version int64) {
	d.t.Helper()
	d.send(&wire.Ack{Kind: wire.Kinds(d.welcome.Kinds).Ref(kind), Version: version})
	synctest.Wait()
}
