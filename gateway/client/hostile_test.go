package client_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// Each of these ends the connection, and the device tries another edge.
func TestBrokenEdge(t *testing.T) {
	device := func(f wire.Frame) []byte { return wire.Append(nil, f) }
	for name, bytes := range map[string][]byte{
		"device's frame":       device(&wire.Ping{}),
		"Hello":                device(&wire.Hello{Body: &wirepb.Hello{Token: "x"}}),
		"Request":              device(&wire.Request{ID: 1, Service: "a", Method: "b"}),
		"second Welcome":       device(&wire.Welcome{Body: &wirepb.Welcome{Epoch: 2}}),
		"unknown kind number":  device(notify(63, 1)),
		"huge kind number":     {byte(wire.TypeNotify), 10, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0},
		"huge length":          {byte(wire.TypeNotify), 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
		"huge unknown":         {0x7f, 0xbf, 0xff, 0xff, 0xff},
		"truncated Notify":     {byte(wire.TypeNotify), 1, 1},
		"version 0":            {byte(wire.TypeNotify), 3, 1, 0, 0},
		"garbage":              []byte("C\x05garbage"),
		"Close with odd code":  {byte(wire.TypeClose), 3, 0x40, 0x01, 0},
		"malformed GoAway":     {byte(wire.TypeGoAway), 2, 0xff, 0xff},
		"Response of no bytes": {byte(wire.TypeResponse), 0},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, nil, func(e *edge) {
				p := e.welcomed(nil)
				p.raw(bytes)
				p.gone()
				if p := e.welcomed(nil); p.hello.Last.GetEnd() != wirepb.LastConnection_END_RESET {
					t.Errorf("reported %s", p.hello.Last.GetEnd())
				}
			})
		})
	}
}

// What is unknown or meaningless, but well-formed, is passed over.
func TestOddButHarmless(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		p.raw([]byte{0x60, 3, 1, 2, 3})
		p.send(&wire.Response{ID: 12345, Body: []byte("nobody asked")})
		p.send(&wire.Pong{Interval: time.Nanosecond})
		for range 1000 {
			p.send(&wire.Pong{Interval: time.Hour})
		}
		p.send(notify(1, 7))
		p.sync("messages", 0, &wirepb.SyncResponse{Items: items(7), Head: 7})
		p.expectAck(7)
	})
}

func TestNoWelcome(t *testing.T) {
	for name, bytes := range map[string][]byte{
		"silence":       nil,
		"Notify first":  wire.Append(nil, notify(1, 1)),
		"bad Welcome":   wire.Append(nil, &wire.Welcome{Body: &wirepb.Welcome{}}),
		"only unknowns": make64(),
		"garbage":       []byte("SSH-2.0-OpenSSH_9.9\r\n"),
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, nil, func(e *edge) {
				p := e.accept()
				expect[*wire.Hello](p)
				if bytes != nil {
					p.raw(bytes)
				}
				start := time.Now()
				p.gone()
				if waited := time.Since(start); waited > 15*time.Second {
					t.Errorf("gave up after %s", waited)
				}
				e.welcomed(nil)
			})
		})
	}
}

// make64 is a row of frames of an unknown type.
func make64() []byte {
	var b []byte
	for range 64 {
		b = append(b, 0x70, 0)
	}
	return b
}

// An edge that dictates a tiny interval is not obeyed.
func TestIntervalHasAFloor(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{IntervalMs: 1})
		pings := 0
		for start := time.Now(); time.Since(start) < time.Minute; {
			expect[*wire.Ping](p)
			pings++
			p.send(&wire.Pong{Interval: time.Millisecond})
		}
		if pings > 61 {
			t.Errorf("%d pings in a minute", pings)
		}
	})
}

// Kinds that nobody configured cost bounded memory and a bounded number of
// requests.
func TestManyKinds(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		for i := range 1000 {
			p.send(&wire.Notify{Kind: wire.Kind{Name: fmt.Sprintf("kind-%d", i)}, Version: 1})
		}
		asked := 0
		for {
			f, err := p.nextWithin(20 * time.Second)
			if err != nil {
				break
			}
			if _, ok := f.(*wire.Request); ok {
				asked++
			}
		}
		if asked == 0 || asked > 2*wire.MaxKinds {
			t.Errorf("%d requests", asked)
		}
	})
}

// A flood in both directions ends in a bounded place.
func TestFloodWithoutReading(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		flood := wire.Append(nil, &wire.Probe{})
		for len(flood) < 8<<10 {
			flood = append(flood, flood...)
		}
		_ = p.conn.SetWriteDeadline(time.Now().Add(time.Hour))
		for range 10_000 {
			if _, err := p.conn.Write(flood); err != nil {
				e.welcomed(nil)
				return
			}
		}
		t.Error("the device answers without end, though nobody reads")
	})
}

func TestGoAwayFlood(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(nil)
		for range 500 {
			p.send(&wire.GoAway{Body: &wirepb.GoAway{SpreadMs: 10_000, GraceMs: 60_000}})
		}
		e.welcomed(nil).quiet(time.Minute)
		e.acceptNone(time.Minute)
	})
}

func TestRequests(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		p := e.welcomed(&wirepb.Welcome{Limits: &wirepb.Limits{MaxRequests: 2, MaxFrameBytes: 1000}})
		type result struct {
			body []byte
			err  error
		}
		results := make(chan result, 10)
		call := func(method string, body []byte) {
			b, err := e.client.Request(context.Background(), "echo", method, body)
			results <- result{b, err}
		}
		for range 3 {
			go call("say", []byte("hello"))
		}
		first, second := expect[*wire.Request](p), expect[*wire.Request](p)
		p.quiet(time.Second) // the third waits its turn
		if first.Service != "echo" || first.Method != "say" || string(first.Body) != "hello" || first.Timeout != 30*time.Second {
			t.Errorf("Request %+v", first)
		}
		p.send(&wire.Response{ID: second.ID, Body: []byte("two")})
		if r := <-results; string(r.body) != "two" || r.err != nil {
			t.Errorf("answer %q, %v", r.body, r.err)
		}
		third := expect[*wire.Request](p)
		p.send(&wire.Response{ID: first.ID, Status: wire.StatusNotFound, Message: "no"})
		var refused *client.RequestError
		if r := <-results; !errors.As(r.err, &refused) || refused.Status != wire.StatusNotFound {
			t.Errorf("answer %v", r.err)
		}
		// Nobody answers the third; a late answer is nobody's.
		if r := <-results; !errors.Is(r.err, context.DeadlineExceeded) {
			t.Errorf("answer %v", r.err)
		}
		p.send(&wire.Response{ID: third.ID})
		if _, err := e.client.Request(context.Background(), "echo", "say", make([]byte, 1000)); err == nil {
			t.Error("a request above the edge's limit was sent")
		}
		for _, bad := range [][2]string{{"", "x"}, {"x", ""}, {"a b", "x"}, {"x", "a.b"}} {
			if _, err := e.client.Request(context.Background(), bad[0], bad[1], nil); !errors.Is(err, wire.ErrID) {
				t.Errorf("Request %q = %v", bad, err)
			}
		}
		if _, err := e.client.Request(context.Background(), "a", "b", make([]byte, wire.MaxBody+1)); err == nil {
			t.Error("a body above the wire's limit was sent")
		}
		go call("say", nil)
		expect[*wire.Request](p)
		p.closeWith(wire.CloseShutdown)
		if r := <-results; !errors.Is(r.err, client.ErrConnectionLost) {
			t.Errorf("answer %v", r.err)
		}
	})
}

func TestRequestWaitsForAConnection(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if _, err := e.client.Request(ctx, "echo", "say", nil); !errors.Is(err, client.ErrNotConnected) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Request = %v", err)
		}
		done := make(chan error, 1)
		go func() {
			_, err := e.client.Request(context.Background(), "echo", "say", nil)
			done <- err
		}()
		p := e.welcomed(nil)
		p.send(&wire.Response{ID: expect[*wire.Request](p).ID})
		if err := <-done; err != nil {
			t.Errorf("Request = %v", err)
		}
		e.cancel()
		_ = e.returned()
		synctest.Wait()
		if _, err := e.client.Request(context.Background(), "echo", "say", nil); !errors.Is(err, client.ErrNotRunning) {
			t.Errorf("Request after Run = %v", err)
		}
	})
}
