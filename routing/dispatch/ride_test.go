package dispatch

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// rides answers that the notify waits for the device's next frame.
func (r *rig) rides(conn uint64, v int64, due time.Duration) {
	r.d.Answer("e1", 1, &linkpb.Answer{Conn: conn, Kind: "k", State: linkpb.Answer_STATE_IN_FLIGHT, Version: v, RidesMs: due.Milliseconds()}, r.now)
}

// rideFrom has the edge answer, each time that it is asked, that the notify
// waits for a beat at a time.
func (r *rig) rideFrom(beat time.Duration, until time.Duration) {
	for begin := r.now; r.now.Sub(begin) < until; r.pass(time.Second) {
		if left := beat - r.now.Sub(begin); left > 0 {
			r.rides(1, 5, left)
		} else {
			r.inFlight(1, 5)
		}
	}
}

func TestRideOutlastsThePatience(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyLow))
	r.rideFrom(3*time.Minute, 3*time.Minute+10*time.Second)
	if len(r.jobs) != 0 {
		t.Fatalf("pushed before its beat: %+v", r.jobs)
	}
	r.acked(1, 5)
	r.pass(time.Minute)
	if len(r.jobs) != 0 {
		t.Errorf("pushed though it acknowledged: %+v", r.jobs)
	}
}

func TestRideThatEndsInNothing(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyLow))
	r.rideFrom(2*time.Minute, 2*time.Minute+2*rideSlack)
	if len(r.jobs) != 1 {
		t.Errorf("not pushed after all: %+v", r.jobs)
	}
}

// Whatever the edge says, nothing waits for ever, and nothing urgent waits.
func TestRideIsBounded(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyLow))
	for begin := r.now; r.now.Sub(begin) < rideFor+time.Second; r.pass(time.Second) {
		r.rides(1, 5, time.Hour)
	}
	if len(r.jobs) != 1 {
		t.Errorf("not pushed after all: %+v", r.jobs)
	}
}

func TestRideEndsWithWhatIsUrgent(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyLow))
	r.rides(1, 5, 4*time.Minute)
	r.pass(time.Second)
	r.event(6, urgency(routing.UrgencyHigh))
	r.inFlight(1, 6)
	r.pass(routing.UrgencyHigh.Patience())
	if len(r.jobs) != 1 {
		t.Errorf("not pushed: %+v", r.jobs)
	}
}
