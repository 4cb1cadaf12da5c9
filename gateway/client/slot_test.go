package client_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// sendAway answers the Hello of the device's next connection with a slot, and
// returns the one that the device presented.
func (e *edge) sendAway(wait time.Duration, slot string) (presented string) {
	e.t.Helper()
	p := e.accept()
	hello := expect[*wire.Hello](p).Body
	p.send(&wire.Close{Code: wire.CloseBusy, Reason: "full", ComeBack: &wirepb.ComeBack{WaitMs: wait.Milliseconds(), Slot: []byte(slot)}})
	_ = p.conn.CloseWithCode(uint16(wire.CloseBusy), "full")
	return string(hello.Slot)
}

// A device that is sent away comes back at its slot, not before and not at
// random, says it, and forgets it once it is welcomed.
func TestSlotIsKept(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		if got := e.sendAway(90*time.Second, "first"); got != "" {
			t.Errorf("presented %q", got)
		}
		start := time.Now()
		if s := e.lastState(); s.Phase != client.PhaseWaiting || s.RetryIn != 90*time.Second {
			t.Errorf("the application is told %+v", s)
		}
		// Sent away again, also by another edge: the newest one counts.
		if got := e.sendAway(5*time.Minute, "second"); got != "first" {
			t.Errorf("presented %q", got)
		}
		if waited := time.Since(start); waited != 90*time.Second {
			t.Errorf("came back after %v", waited)
		}
		start = time.Now()
		p := e.welcomed(nil)
		if waited := time.Since(start); waited != 5*time.Minute {
			t.Errorf("came back after %v", waited)
		}
		if string(p.hello.Slot) != "second" {
			t.Errorf("presented %q", p.hello.Slot)
		}
		time.Sleep(time.Hour)
		p.closeWith(wire.CloseIdle)
		if p = e.welcomed(nil); len(p.hello.Slot) > 0 {
			t.Errorf("presented %q after Welcome", p.hello.Slot)
		}
	})
}

// Where it cannot connect at its time, the device backs off and goes on to
// present its slot.
func TestSlotSurvivesFailures(t *testing.T) {
	var failures atomic.Int32
	virtual(t, func(c *client.Config) {
		dial := c.Dial
		c.Dial = func(ctx context.Context, kind transport.Kind, addr string) (transport.Conn, error) {
			if failures.Add(-1) >= 0 {
				return nil, errors.New("no network")
			}
			return dial(ctx, kind, addr)
		}
	}, func(e *edge) {
		e.sendAway(time.Minute, "slot")
		start := time.Now()
		failures.Store(2)
		p := e.welcomed(nil)
		// Two failures: at most 1 s and 2 s.
		if waited := time.Since(start); waited < time.Minute || waited > 63*time.Second {
			t.Errorf("came back after %v", waited)
		}
		if string(p.hello.Slot) != "slot" {
			t.Errorf("presented %q", p.hello.Slot)
		}
	})
}

// A device that moves keeps its connection until its slot at the next edge, and
// waits for the slot also when the connection ends before.
func TestSlotOfAMove(t *testing.T) {
	for _, cut := range []bool{false, true} {
		virtual(t, nil, func(e *edge) {
			p := e.welcomed(nil)
			p.send(&wire.GoAway{Body: &wirepb.GoAway{GraceMs: 600_000}})
			e.sendAway(time.Minute, "slot")
			start := time.Now()
			if cut {
				p.closeWith(wire.CloseShutdown)
			}
			next := e.welcomed(nil)
			if waited := time.Since(start); waited != time.Minute {
				t.Errorf("came back after %v", waited)
			}
			if string(next.hello.Slot) != "slot" {
				t.Errorf("presented %q", next.hello.Slot)
			}
		})
	}
}

// An application that knows of a new network does not wait.
func TestNewNetworkCutsTheWaitShort(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		e.sendAway(time.Minute, "slot")
		_ = e.lastState()
		start := time.Now()
		if err := e.client.SetNetwork(client.Network{Radio: client.RadioWiFi}); err != nil {
			t.Fatal(err)
		}
		if got := e.sendAway(time.Minute, "slot"); got != "slot" || time.Since(start) > time.Second {
			t.Errorf("presented %q after %v", got, time.Since(start))
		}
		e.welcomed(nil)
	})
}

// An edge that says again and again to come back at once is not obeyed: the
// device backs off as from any other trouble.
func TestSlotsWithoutAWait(t *testing.T) {
	virtual(t, nil, func(e *edge) {
		start, times := time.Now(), 0
		for ; time.Since(start) < 10*time.Minute; times++ {
			e.sendAway(time.Millisecond, "slot")
		}
		if times > 30 {
			t.Errorf("came %d times in %v", times, time.Since(start))
		}
	})
}
