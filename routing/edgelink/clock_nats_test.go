package edgelink_test

import (
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing/clocks"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// startWithClock is start with a clock that the test can move.
func startWithClock(t *testing.T) (*env, *atomic.Int64) {
	t.Helper()
	var off atomic.Int64
	e := start(t, func(c *edgelink.Config) {
		c.Now = func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
	})
	return e, &off
}

func (e *env) waitClock(want clocks.State) {
	e.t.Helper()
	eventually(e.t, func() bool { return e.link.Clock().State == want }, func() any { return e.link.Clock() })
}

// A step of the edge's clock is seen, and that it is right again; what time it
// is by the routers is known meanwhile, also while NATS is away.
func TestClockSteps(t *testing.T) {
	e, off := startWithClock(t)
	if r := e.link.Clock(); r.State != clocks.Unknown {
		t.Errorf("without a router the clock is %+v", r)
	}
	e.router("r1", 1, nil)
	e.waitClock(clocks.Right)
	off.Store(int64(time.Hour))
	e.waitClock(clocks.Wrong)
	e.srv.Restart(func() {
		r := e.link.Clock()
		if r.State != clocks.Wrong || time.Until(r.Now).Abs() > 500*time.Millisecond {
			t.Errorf("while NATS is away the clock is %+v", r)
		}
	})
	if ahead := metrictest.Value(t, e.reg, "hawser_edgelink_clock_ahead_seconds"); ahead < 3599 || ahead > 3601 {
		t.Errorf("clock_ahead_seconds is %v, want 3600", ahead)
	}
	off.Store(0)
	e.waitClock(clocks.Right)
}

// By a router whose clock is behind every session comes from the future: its
// refusals do not count, while those of a router with a right clock do.
func TestRefusalsByAWrongClock(t *testing.T) {
	e, _ := startWithClock(t)
	all := e.register(1, 3)
	good := e.router("r1", 1, nil)
	bad := e.router("r2", 1, func(r *script) { r.ahead = -time.Hour })
	e.verified(1, all)
	e.waitClock(clocks.Right)
	time.Sleep(4 * timing.Beat) // its beats are counted

	refused := func() int {
		e.hub.mu.Lock()
		defer e.hub.mu.Unlock()
		return len(e.hub.refused)
	}
	bad.do(func() { bad.sendEcho(&linkpb.Echo{Refused: []uint64{1, 2, 3}}) })
	time.Sleep(4 * timing.Beat)
	// Nor do those of one that is not complete yet.
	bad.do(func() { bad.ahead, bad.complete = 0, false })
	time.Sleep(4 * timing.Beat)
	bad.do(func() { bad.sendEcho(&linkpb.Echo{Refused: []uint64{1, 2, 3}}) })
	time.Sleep(4 * timing.Beat)
	if n := refused(); n != 0 {
		t.Errorf("%d sessions were ended by a router with a wrong clock, or one that is not complete", n)
	}
	good.do(func() { good.sendEcho(&linkpb.Echo{Refused: []uint64{2}}) })
	eventually(t, func() bool { return refused() == 1 }, func() any { return "a router with a right clock is not believed" })
}
