package session

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// testClock is ahead of true time by off. It knows the routers' time, which is
// the true one, unless nothing is known.
type testClock struct {
	off   atomic.Int64
	state atomic.Uint32
}

func (c *testClock) Now() time.Time {
	if c.State() == ClockWrong {
		return time.Now()
	}
	return time.Now().Add(time.Duration(c.off.Load()))
}

func (c *testClock) State() ClockState { return ClockState(c.state.Load()) }

func (c *testClock) step(off time.Duration, state ClockState) {
	c.off.Store(int64(off))
	c.state.Store(uint32(state))
}

func inBubbleWithClock(t *testing.T, test func(*edge, *testClock)) {
	t.Helper()
	clock := &testClock{}
	inBubble(t, func(c *Config) { c.Clock = clock }, func(e *edge) { test(e, clock) })
}

// refused says Hello and wants to be refused.
func (e *edge) refused(token string, code wire.CloseCode) {
	e.t.Helper()
	d := e.dial()
	d.send(&wire.Hello{Body: &wirepb.Hello{Token: token}})
	d.closed(code)
}

// An edge whose clock is wrong lets nobody in, and says so before it has
// looked at the token.
func TestWrongClockRefuses(t *testing.T) {
	inBubbleWithClock(t, func(e *edge, clock *testClock) {
		clock.step(time.Hour, ClockWrong)
		for _, jwt := range []string{testToken("phone", 10*time.Minute), testToken("phone", -time.Hour), "forged"} {
			e.refused(jwt, wire.CloseClock)
		}
		synctest.Wait()
		if n := e.counter("refused_total", "edge_clock"); n != 3 {
			t.Errorf("refused_total{edge_clock} is %v, want 3", n)
		}
		if len(e.registry.order) != 0 {
			t.Errorf("the registry heard of it: %v", e.registry.order)
		}
		clock.step(0, ClockRight)
		e.connect(nil)
		e.refused(testToken("tablet", -time.Hour), wire.CloseTokenExpired)
	})
}

// An edge that cannot vouch for its clock lets devices in, but takes no token
// for expired.
func TestUnknownClock(t *testing.T) {
	inBubbleWithClock(t, func(e *edge, clock *testClock) {
		clock.step(time.Hour, ClockUnknown)
		e.connect(nil) // a token for a day
		e.refused(testToken("tablet", 10*time.Minute), wire.CloseClock)
		e.refused("forged", wire.CloseUnauthenticated)
	})
}

// A step of the clock ends no session: neither at the time that its token
// would expire by it, nor when it brings a new one.
func TestSessionOutlivesStep(t *testing.T) {
	for _, off := range []time.Duration{time.Hour, -time.Hour} {
		inBubbleWithClock(t, func(e *edge, clock *testClock) {
			d := e.connect(func(h *wirepb.Hello) { h.Token = testToken("phone", 10*time.Minute) })
			began := time.Now()
			clock.step(off, ClockWrong)
			for range 9 {
				time.Sleep(time.Minute)
				d.send(&wire.Ping{})
				if _, ok := d.next().(*wire.Pong); !ok {
					t.Fatal("no Pong")
				}
			}
			// The warning comes when it is due by a clock that did not step.
			g, ok := d.next().(*wire.GoAway)
			if !ok || g.Body.Cause != wirepb.GoAway_CAUSE_TOKEN_EXPIRED {
				t.Fatalf("not the warning: %v", g)
			}
			if after := time.Since(began); after < 9*time.Minute || after > 10*time.Minute {
				t.Errorf("warned after %v", after)
			}
			d.send(&wire.Token{Body: &wirepb.Token{Token: testToken("phone", 10*time.Minute)}})
			d.send(&wire.Ping{})
			if f, ok := d.next().(*wire.Pong); !ok {
				t.Fatalf("renewed, but then %v", f)
			}
			time.Sleep(3 * time.Minute)
			d.send(&wire.Ping{})
			if f, ok := d.next().(*wire.Pong); !ok {
				t.Fatalf("three minutes later %v", f)
			}
		})
	}
}
