package client_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// edge is an edge whose every frame a test writes itself.
type edge struct {
	t        *testing.T
	listener *memtransport.Listener
	client   *client.Client
	events   chan client.Event // what OnEvent got, unless the test has its own
	ran      chan error        // the result of Run
	cancel   context.CancelFunc

	mu     sync.Mutex
	states []client.State // Guarded by mu.
}

// virtual runs a client against a scripted edge in virtual time. The bubble
// ends only once every goroutine has ended, so each test looks for leaks.
func virtual(t *testing.T, configure func(*client.Config), script func(*edge)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := &edge{
			t:        t,
			listener: memtransport.Listen(),
			events:   make(chan client.Event, 1000),
			ran:      make(chan error, 1),
		}
		cfg := client.Config{
			Transport: client.TCP,
			Token:     func(context.Context) (string, error) { return "token-1", nil },
			OnEvent:   func(_ context.Context, ev client.Event) error { e.events <- ev; return nil },
			OnState:   e.noteState,
			Dial: func(ctx context.Context, _ transport.Kind, _ string) (transport.Conn, error) {
				return e.listener.Dial(ctx)
			},
		}
		if configure != nil {
			configure(&cfg)
		}
		var err error
		if e.client, err = client.New(cfg); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(context.Background())
		e.cancel = cancel
		defer cancel()
		go func() { e.ran <- e.client.Run(ctx) }()
		synctest.Wait()
		script(e)
		cancel()
	})
}

func (e *edge) noteState(s client.State) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.states = append(e.states, s)
}

func (e *edge) lastState() client.State {
	synctest.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.states[len(e.states)-1]
}

// accept waits for the device's next connection.
func (e *edge) accept() *peer {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	c, err := e.listener.Accept(ctx)
	if err != nil {
		e.t.Fatalf("the device did not connect: %v", err)
	}
	return newPeer(e.t, c)
}

// acceptNone fails if the device connects within d.
func (e *edge) acceptNone(d time.Duration) {
	e.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	if _, err := e.listener.Accept(ctx); err == nil {
		e.t.Fatalf("the device connected within %s", d)
	}
}

// welcomed accepts a connection and welcomes it.
func (e *edge) welcomed(w *wirepb.Welcome) *peer {
	e.t.Helper()
	p := e.accept()
	p.hello = expect[*wire.Hello](p).Body
	p.welcome(w)
	synctest.Wait() // the device has read it
	return p
}

// returned is the result of Run.
func (e *edge) returned() error {
	e.t.Helper()
	select {
	case err := <-e.ran:
		return err
	case <-time.After(time.Hour):
		e.t.Fatal("Run did not return")
		return nil
	}
}

func (e *edge) event() client.Event {
	e.t.Helper()
	select {
	case ev := <-e.events:
		return ev
	case <-time.After(time.Hour):
		e.t.Fatal("no event")
		return client.Event{}
	}
}

// peer is the edge's end of one connection.
type peer struct {
	t     *testing.T
	conn  transport.Conn
	r     *wire.Reader
	hello *wirepb.Hello
}

func newPeer(t *testing.T, c transport.Conn) *peer {
	t.Cleanup(func() { _ = c.CloseWithCode(0, "") })
	return &peer{t: t, conn: c, r: wire.NewReader(c, wire.MaxPayload)}
}

func (p *peer) send(frames ...wire.Frame) {
	p.t.Helper()
	var b []byte
	for _, f := range frames {
		b = wire.Append(b, f)
	}
	p.raw(b)
}

func (p *peer) raw(b []byte) {
	p.t.Helper()
	if _, err := p.conn.Write(b); err != nil {
		p.t.Fatalf("edge writes: %v", err)
	}
}

// welcome fills in what a test does not care for.
func (p *peer) welcome(w *wirepb.Welcome) {
	p.t.Helper()
	if w == nil {
		w = &wirepb.Welcome{}
	}
	if w.Epoch == 0 {
		w.Epoch = 1
	}
	if w.IntervalMs == 0 {
		w.IntervalMs = time.Hour.Milliseconds()
	}
	if w.Kinds == nil {
		w.Kinds = []string{"messages", "contacts"}
	}
	p.send(&wire.Welcome{Body: w})
}

func (p *peer) closeWith(code wire.CloseCode) {
	p.t.Helper()
	p.send(&wire.Close{Code: code, Reason: "test"})
	_ = p.conn.CloseWithCode(uint16(code), "test")
}

// next is the device's next frame.
func (p *peer) next() (wire.Frame, error) {
	_ = p.conn.SetReadDeadline(time.Now().Add(2 * time.Hour))
	return p.r.Next()
}

func expect[F wire.Frame](p *peer) F {
	p.t.Helper()
	f, err := p.next()
	if err != nil {
		p.t.Fatalf("the device sent %v instead of %T", err, *new(F))
	}
	got, ok := f.(F)
	if !ok {
		p.t.Fatalf("the device sent %s instead of %T", f.Type(), got)
	}
	return got
}

// quiet fails if the device sends anything within d.
func (p *peer) quiet(d time.Duration) {
	p.t.Helper()
	_ = p.conn.SetReadDeadline(time.Now().Add(d))
	if f, err := p.r.Next(); err == nil {
		p.t.Fatalf("the device sent %s", f.Type())
	} else if !isTimeout(err) {
		p.t.Fatalf("the device ended the connection: %v", err)
	}
}

// gone fails unless the device ends the connection, without a frame.
func (p *peer) gone() {
	p.t.Helper()
	if f, err := p.next(); err == nil {
		p.t.Fatalf("the device sent %s instead of ending the connection", f.Type())
	} else if isTimeout(err) {
		p.t.Fatal("the device left the connection open")
	}
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

// notify names kinds by their number in the default Welcome.
func notify(kind uint64, version int64) *wire.Notify {
	return &wire.Notify{Kind: wire.Kind{Number: kind}, Version: version}
}

// sync expects a sync of kind since a version and answers it.
func (p *peer) sync(kind string, since int64, answer *wirepb.SyncResponse) {
	p.t.Helper()
	p.answer(p.expectSync(kind, since), answer)
}

func (p *peer) expectSync(kind string, since int64) *wire.Request {
	p.t.Helper()
	r := expect[*wire.Request](p)
	var body wirepb.SyncRequest
	if err := proto.Unmarshal(r.Body, &body); err != nil {
		p.t.Fatal(err)
	}
	if r.Service != "sync" || r.Method != kind || body.Since != since {
		p.t.Fatalf("the device asked %s/%s since %d, want sync/%s since %d", r.Service, r.Method, body.Since, kind, since)
	}
	return r
}

func (p *peer) answer(r *wire.Request, answer *wirepb.SyncResponse) {
	p.t.Helper()
	b, err := proto.Marshal(answer)
	if err != nil {
		p.t.Fatal(err)
	}
	p.send(&wire.Response{ID: r.ID, Body: b})
}

func (p *peer) expectAck(version int64) {
	p.t.Helper()
	if a := expect[*wire.Ack](p); a.Version != version {
		p.t.Fatalf("acknowledged %d, want %d", a.Version, version)
	}
}

// items makes items with these versions.
func items(versions ...int64) []*wirepb.Item {
	out := make([]*wirepb.Item, 0, len(versions))
	for _, v := range versions {
		out = append(out, &wirepb.Item{Version: v, Data: []byte{byte(v)}})
	}
	return out
}

// store is a Store that a test can look into.
type store struct {
	mu     sync.Mutex
	saved  map[string]int64 // Guarded by mu.
	failed error            // Guarded by mu.
}

func (s *store) Load() (map[string]int64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.saved, nil
}

func (s *store) Save(kind string, version int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failed != nil {
		return s.failed
	}
	m := map[string]int64{kind: version}
	for k, v := range s.saved {
		if k != kind {
			m[k] = v
		}
	}
	s.saved = m
	return nil
}
