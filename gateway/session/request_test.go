package session

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// hangingRelay answers only the end of its context.
var hangingRelay = relayFunc(func(ctx context.Context, _ Call) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
})

func (d *device) response() *wire.Response {
	d.t.Helper()
	r, ok := d.next().(*wire.Response)
	if !ok {
		d.t.Fatal("not a Response")
	}
	return r
}

type statusError wire.Status

func (e statusError) Error() string       { return "told by the service" }
func (e statusError) Status() wire.Status { return wire.Status(e) }

func TestRequest(t *testing.T) {
	var seen Call
	relay := func(_ context.Context, c Call) ([]byte, error) {
		seen = c
		switch c.Method {
		case "refused":
			return nil, fmt.Errorf("wrapped: %w", statusError(wire.StatusNotFound))
		case "broken":
			return nil, errors.New("dial tcp 10.0.0.7: secret of the house")
		case "large":
			return make([]byte, wire.MaxBody+1), nil
		case "ok_error":
			return nil, statusError(wire.StatusOK)
		}
		return bytes.ToUpper(c.Body), nil
	}
	inBubble(t, func(c *Config) { c.Relay = relayFunc(relay) }, func(e *edge) {
		d := e.connect(nil)
		tests := []struct {
			method  string
			status  wire.Status
			message string
			body    string
		}{
			{"upper", wire.StatusOK, "", "ABC"},
			{"refused", wire.StatusNotFound, "told by the service", ""},
			{"broken", wire.StatusInternal, "the request failed", ""},
			{"large", wire.StatusInternal, "the request failed", ""},
			{"ok_error", wire.StatusInternal, "the request failed", ""},
		}
		for i, tt := range tests {
			d.send(&wire.Request{ID: uint64(i), Service: "svc", Method: tt.method, Body: []byte("abc")})
			r := d.response()
			if r.ID != uint64(i) || r.Status != tt.status || r.Message != tt.message || string(r.Body) != tt.body {
				t.Errorf("%s: %+v", tt.method, r)
			}
		}
		if seen.Tenant != "acme" || seen.User != "anna" || seen.Device != "phone" || seen.Service != "svc" || seen.Token == "" {
			t.Errorf("relayed %+v", seen)
		}
	})
}

// The deadline is the device's, the default where it has none, and never above
// the greatest.
// A device that fetches is known to be at it, until it has its response.
func TestFetchIsToldToRouters(t *testing.T) {
	inBubble(t, func(c *Config) { c.Relay = hangingRelay }, func(e *edge) {
		d := e.connect(nil)
		hub := e.srv.Hub()
		for _, kind := range []string{"messages", "account"} {
			if hub.Notify(1, "r1", kind, 7, 6).Fetching {
				t.Errorf("%s: fetches before it asked", kind)
			}
			d.next()
		}
		d.send(&wire.Request{ID: 1, Service: "other", Method: "account"})
		d.send(&wire.Request{ID: 2, Service: "sync", Method: "messages", Timeout: 4 * time.Second})
		synctest.Wait()
		if a := hub.Notify(1, "r1", "messages", 7, 6); a.State != InFlight || !a.Fetching {
			t.Errorf("while it fetches: %+v", a)
		}
		if a := hub.Notify(1, "r1", "account", 7, 6); a.Fetching {
			t.Errorf("another service is called: %+v", a)
		}
		d.response()
		synctest.Wait()
		if a := hub.Notify(1, "r1", "messages", 7, 6); a.Fetching {
			t.Errorf("after the response: %+v", a)
		}
	})
}

func TestRequestDeadline(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{0: 10 * time.Second, time.Second: time.Second, time.Hour: 30 * time.Second} {
		inBubble(t, func(c *Config) { c.Relay = hangingRelay }, func(e *edge) {
			d := e.connect(nil)
			start := time.Now()
			d.send(&wire.Request{ID: 1, Timeout: timeout, Service: "a", Method: "b"})
			if r := d.response(); r.Status != wire.StatusDeadline {
				t.Errorf("status %v", r.Status)
			}
			if passed := time.Since(start); passed != want {
				t.Errorf("timeout %v was answered after %v, want %v", timeout, passed, want)
			}
		})
	}
}

func TestRequestsInFlight(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.MaxRequests = 2; c.Relay = hangingRelay }, func(e *edge) {
		d := e.connect(nil)
		for id := range uint64(3) {
			d.send(&wire.Request{ID: id, Timeout: time.Second, Service: "a", Method: "b"})
		}
		if r := d.response(); r.ID != 2 || r.Status != wire.StatusExhausted {
			t.Errorf("%+v, want the third to be refused", r)
		}
		d.response()
		d.response()
		d.send(&wire.Request{ID: 0, Timeout: time.Second, Service: "a", Method: "b"})
		if r := d.response(); r.Status != wire.StatusDeadline {
			t.Errorf("%+v, want a place to be free again", r)
		}
	})
}

func TestRequestRate(t *testing.T) {
	inBubble(t, func(c *Config) { c.Limits.RequestsPerSecond = 2 }, func(e *edge) {
		d := e.connect(nil)
		count := map[wire.Status]int{}
		for id := range uint64(10) {
			d.send(&wire.Request{ID: id, Service: "a", Method: "b"})
			count[d.response().Status]++
		}
		if count[wire.StatusOK] != 4 || count[wire.StatusExhausted] != 6 {
			t.Errorf("of ten at once: %v, want 4 ok and 6 exhausted", count)
		}
		time.Sleep(time.Second)
		d.send(&wire.Request{ID: 1, Service: "a", Method: "b"})
		if r := d.response(); r.Status != wire.StatusOK {
			t.Errorf("a second later: %v", r.Status)
		}
	})
}

// A device that asks and does not read cannot have the edge pile up answers.
func TestResponsesAreBounded(t *testing.T) {
	big := relayFunc(func(context.Context, Call) ([]byte, error) { return make([]byte, 60_000), nil })
	inBubble(t, func(c *Config) { c.Relay = big; c.Limits.RequestsPerSecond = 1e6; c.Limits.FramesPerSecond = 1e6 }, func(e *edge) {
		d := e.connect(nil)
		// The first eight get a response, the rest is refused in small frames,
		// until those are too many.
		for id := range uint64(1000) {
			if _, err := d.conn.Write(wire.Append(nil, &wire.Request{ID: id, Service: "a", Method: "b"})); err != nil {
				break
			}
		}
		synctest.Wait()
		if e.counter("closed_total", "too_slow") != 1 {
			t.Error("not closed as too slow")
		}
		if got := e.counter("requests_total", "ok"); got > 20 {
			t.Errorf("%v requests were relayed for a device that does not read", got)
		}
	})
}

// The end of a session ends what it asked for.
func TestRequestEndsWithSession(t *testing.T) {
	ended := make(chan time.Time, 1)
	relay := relayFunc(func(ctx context.Context, _ Call) ([]byte, error) {
		<-ctx.Done()
		ended <- time.Now()
		return nil, ctx.Err()
	})
	inBubble(t, func(c *Config) { c.Relay = relay }, func(e *edge) {
		d := e.connect(nil)
		start := time.Now()
		d.send(&wire.Request{ID: 1, Service: "a", Method: "b"}, &wire.Bye{})
		d.closed(wire.CloseBye)
		synctest.Wait()
		select {
		case at := <-ended:
			if at != start {
				t.Errorf("ended %v later", at.Sub(start))
			}
		default:
			t.Error("the relay still works for a session that is gone")
		}
	})
}

func TestRequestTakesTheRenewedToken(t *testing.T) {
	var calls []Call
	relay := relayFunc(func(_ context.Context, c Call) ([]byte, error) { calls = append(calls, c); return nil, nil })
	inBubble(t, func(c *Config) { c.Relay = relay }, func(e *edge) {
		renewed := testToken("phone", 48*time.Hour)
		d := e.connect(nil)
		d.send(&wire.Token{Body: &wirepb.Token{Token: renewed}}, &wire.Request{ID: 1, Service: "a", Method: "b"})
		d.response()
		if calls[0].Token != renewed {
			t.Error("a request after the renewal went with the old token")
		}
	})
}
