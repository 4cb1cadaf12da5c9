package session

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

func TestWelcome(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		w := d.welcome
		if w.Epoch != time.Now().UnixMilli() || w.Edge != "edge-1" || !slices.Equal(w.Kinds, []string{"contacts", "messages"}) {
			t.Errorf("unexpected Welcome: %v", w)
		}
		if w.IntervalMs < 232_800 || w.IntervalMs > 240_000 {
			t.Errorf("interval %d ms, want 240 s less up to 3 %%", w.IntervalMs)
		}
		if w.Limits.GetMaxRequests() != 8 || w.Limits.GetMaxFrameBytes() != wire.MaxPayload || w.ReconnectSpreadMs != 30_000 {
			t.Errorf("unexpected limits: %v", w)
		}
		want := Registration{Conn: 1, Tenant: "acme", User: "anna", Device: "phone", Epoch: w.Epoch}
		if got := e.registry.live[1]; got != want {
			t.Errorf("registered %+v, want %+v", got, want)
		}
	})
}

// Whatever a connection says first, unless it is a good Hello, it is told why
// it must go, counted, and never registered.
func TestRefusedBeforeHello(t *testing.T) {
	hello := func(token string) []byte {
		return wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: token}})
	}
	tests := map[string]struct {
		send   func() []byte
		code   wire.CloseCode
		reason string
	}{
		"nothing":          {func() []byte { return nil }, wire.CloseHelloTimeout, "hello_timeout"},
		"half a frame":     {func() []byte { return []byte{1, 20, 0} }, wire.CloseHelloTimeout, "hello_timeout"},
		"ping":             {func() []byte { return wire.Append(nil, &wire.Ping{}) }, wire.CloseProtocol, "not_hello"},
		"request":          {func() []byte { return wire.Append(nil, &wire.Request{Service: "a", Method: "b"}) }, wire.CloseProtocol, "not_hello"},
		"unknown type":     {func() []byte { return []byte{0x30, 0} }, wire.CloseProtocol, "not_hello"},
		"a frame of ours":  {func() []byte { return wire.Append(nil, &wire.Probe{}) }, wire.CloseProtocol, "not_hello"},
		"too large":        {func() []byte { return []byte{1, 0x80, 0, 0x20, 1} }, wire.CloseFrameTooLarge, "too_large"},
		"malformed":        {func() []byte { return []byte{1, 3, 0xff, 0xff, 0xff} }, wire.CloseProtocol, "malformed"},
		"HTTP":             {func() []byte { return []byte("GET / HTTP/1.1\r\n\r\n") }, wire.CloseHelloTimeout, "hello_timeout"},
		"no token":         {func() []byte { return hello("") }, wire.CloseUnauthenticated, "bad_token"},
		"bad token":        {func() []byte { return hello("forged") }, wire.CloseUnauthenticated, "bad_token"},
		"expired token":    {func() []byte { return hello(testToken("phone", -time.Hour)) }, wire.CloseTokenExpired, "token_expired"},
		"tenant elsewhere": {func() []byte { return hello("other" + strings.TrimPrefix(testToken("phone", time.Hour), "acme")) }, wire.ClosePermissionDenied, "tenant_not_served"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(e *edge) {
				d := e.dial()
				if b := tt.send(); b != nil {
					d.raw(b)
				}
				d.closed(tt.code)
				synctest.Wait()
				if e.counter("refused_total", tt.reason) != 1 {
					t.Errorf("refused_total{%s} is not 1", tt.reason)
				}
				if len(e.registry.order) != 0 {
					t.Errorf("the registry heard of it: %v", e.registry.order)
				}
			})
		})
	}
}

// A device that says Hello a byte at a time has no more time than others.
func TestHelloTimeoutIsForTheWholeFrame(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.dial()
		start := time.Now()
		hello := wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: testToken("phone", time.Hour)}})
		dripped := make(chan struct{})
		defer func() { <-dripped }()
		go func() {
			defer close(dripped)
			for _, b := range hello {
				time.Sleep(time.Second)
				if _, err := d.conn.Write([]byte{b}); err != nil {
					return
				}
			}
		}()
		d.closed(wire.CloseHelloTimeout)
		if passed := time.Since(start); passed > 11*time.Second {
			t.Errorf("closed after %v", passed)
		}
	})
}

func TestBusy(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.MaxConns = 1 }, func(e *edge) {
		e.connect(nil)
		d := e.dial()
		d.send(&wire.Hello{Body: &wirepb.Hello{Token: testToken("tablet", time.Hour)}})
		d.closed(wire.CloseBusy)
	})
	inBubble(t, func(c *Config) { c.Limits.MaxUnidentified = 1 }, func(e *edge) {
		e.dial()
		synctest.Wait()
		e.dial().closed(wire.CloseBusy)
	})
}

// Once identified, a device that breaks a rule is told which.
func TestClosedForBadFrames(t *testing.T) {
	tests := map[string]struct {
		send   []byte
		code   wire.CloseCode
		reason string
	}{
		"second Hello":        {wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{}}), wire.CloseProtocol, "second_hello"},
		"Welcome":             {wire.Append(nil, &wire.Welcome{Body: &wirepb.Welcome{Epoch: 1}}), wire.CloseProtocol, "wrong_direction"},
		"Pong":                {wire.Append(nil, &wire.Pong{}), wire.CloseProtocol, "wrong_direction"},
		"Notify":              {wire.Append(nil, &wire.Notify{Kind: wire.Kind{Number: 1}, Version: 1}), wire.CloseProtocol, "wrong_direction"},
		"Close":               {wire.Append(nil, &wire.Close{Code: 3000}), wire.CloseProtocol, "wrong_direction"},
		"malformed Ack":       {[]byte{3, 1, 0}, wire.CloseProtocol, "malformed"},
		"Ack of version 0":    {[]byte{3, 2, 1, 0}, wire.CloseProtocol, "malformed"},
		"Ack of no kind":      {wire.Append(nil, &wire.Ack{Kind: wire.Kind{Number: 3}, Version: 1}), wire.CloseProtocol, "malformed"},
		"Ping of no kind":     {wire.Append(nil, &wire.Ping{Versions: []wire.KindVersion{{Kind: wire.Kind{Number: 9}, Version: 1}}}), wire.CloseProtocol, "malformed"},
		"bad service":         {wire.Append(nil, &wire.Request{ID: 1, Service: "a.b", Method: "c"}), wire.CloseProtocol, "malformed"},
		"too large":           {wire.Append(nil, &wire.Request{ID: 1, Service: "a", Method: "b", Body: make([]byte, 2000)}), wire.CloseFrameTooLarge, "too_large"},
		"request id reused":   {slices.Repeat(wire.Append(nil, &wire.Request{ID: 1, Service: "hang", Method: "b"}), 2), wire.CloseProtocol, "request_id_reused"},
		"flood":               {slices.Repeat([]byte{2, 0}, 201), wire.CloseRateLimited, "frame_rate"},
		"flood of unknown":    {slices.Repeat([]byte{0x20, 0}, 201), wire.CloseRateLimited, "frame_rate"},
		"bad renewed token":   {wire.Append(nil, &wire.Token{Body: &wirepb.Token{Token: "forged"}}), wire.CloseUnauthenticated, "bad_token"},
		"token of another":    {wire.Append(nil, &wire.Token{Body: &wirepb.Token{Token: "acme/anna/tablet/99999999999"}}), wire.ClosePermissionDenied, "token_of_another"},
		"token of other user": {wire.Append(nil, &wire.Token{Body: &wirepb.Token{Token: "acme/eve/phone/99999999999"}}), wire.ClosePermissionDenied, "token_of_another"},
		"bye":                 {wire.Append(nil, &wire.Bye{}), wire.CloseBye, "bye"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(c *Config) { c.Limits.MaxFrame = 1000; c.Relay = hangingRelay }, func(e *edge) {
				d := e.connect(nil)
				d.raw(tt.send)
				d.closed(tt.code)
				synctest.Wait()
				if e.counter("closed_total", tt.reason) != 1 {
					t.Errorf("closed_total{%s} is not 1", tt.reason)
				}
				if len(e.registry.live) != 0 {
					t.Error("still registered")
				}
			})
		})
	}
}

// New frames of newer devices and kinds that the tenant does not have are
// passed over.
func TestIgnored(t *testing.T) {
	inBubble(t, nil, func(e *edge) {
		d := e.connect(nil)
		d.send(&wire.Unknown{T: 0x20, Length: 300}, &wire.Unknown{T: 0x60, Length: 3})
		d.send(&wire.Ack{Kind: wire.Kind{Name: "made_up"}, Version: 5})
		d.send(&wire.Ping{})
		if _, ok := d.next().(*wire.Pong); !ok {
			t.Error("not a Pong")
		}
		if e.counter("acks_ignored_total") != 1 {
			t.Error("the ack of a kind that does not exist was not counted")
		}
	})
}
