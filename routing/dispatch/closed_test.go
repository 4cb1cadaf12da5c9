package dispatch

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

func TestClosedWithNewsOutstanding(t *testing.T) {
	for _, c := range []struct {
		urgency routing.Urgency
		grace   time.Duration
	}{{routing.UrgencyHigh, time.Second}, {routing.UrgencyNormal, 3 * time.Second}, {routing.UrgencyLow, 10 * time.Second}} {
		t.Run(c.urgency.String(), func(t *testing.T) {
			r := newRig(t, Config{})
			r.connect(1, "d", false)
			r.token("d")
			r.event(5, urgency(c.urgency))
			r.inFlight(1, 5)
			r.pass(500 * time.Millisecond)
			r.log = nil
			r.disconnect(1)
			r.pass(c.grace - 100*time.Millisecond)
			r.want()
			r.pass(200 * time.Millisecond)
			r.want("away d k 5", "store d k 5")
		})
	}
}

// News that come just after the end wait for the rest of the grace, and so does
// the push role.
func TestNewsJustAfterTheEnd(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.disconnect(1)
	r.pass(2 * time.Second)
	r.event(5)
	r.d.Check(1, deviceID("d"), "k", 5, routing.UrgencyNormal, r.now)
	r.d.Check(2, deviceID("d"), "k", 5, routing.UrgencyHigh, r.now)
	r.want("checked 1 IN_FLIGHT", "checked 2 AWAY")
	r.pass(1100 * time.Millisecond)
	r.want("away d k 5", "store d k 5")
	r.pass(10 * time.Second)
	if n := len(r.d.closed.at); n != 0 {
		t.Errorf("%d devices are remembered", n)
	}
}

// The end is not waited for beyond the patience that the session had.
func TestClosedAtTheEndOfThePatience(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5)
	r.inFlight(1, 5)
	r.pass(9500 * time.Millisecond)
	r.log = nil
	r.gone(1, 5)
	r.want()
	r.pass(600 * time.Millisecond)
	r.want("away d k 5", "store d k 5")
}

func TestClosedAndBack(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5)
	r.inFlight(1, 5)
	r.log = nil
	for conn := uint64(1); conn < 4; conn++ { // each time the grace begins anew
		r.disconnect(conn)
		r.pass(2 * time.Second)
		r.connect(conn+1, "d", false)
	}
	r.acked(4, 5)
	r.pass(time.Minute)
	if len(r.jobs) != 0 {
		t.Errorf("pushed though it was back each time: %q", r.log)
	}
}

func TestClosedAreBounded(t *testing.T) {
	c := newClosed()
	now := time.UnixMilli(1_700_000_000_000)
	for i := range maxClosed + 10 {
		c.add(table.ID("t", "u", time.Duration(i).String()), now)
	}
	if len(c.at) != maxClosed || len(c.queue) != maxClosed {
		t.Errorf("%d devices are remembered", len(c.at))
	}
	if !c.until(table.ID("t", "u", time.Duration(9).String()), routing.UrgencyLow).IsZero() {
		t.Error("the oldest is")
	}
}
