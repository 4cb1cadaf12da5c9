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

// A device whose edge let it wait hears of everything only when something comes
// that does not: it is not pushed for its silence until then.
func TestRideThatEndsWithNewsLeavesTimeToHear(t *testing.T) {
	for name, news := range map[string]func(*rig){
		"event": func(r *rig) { r.event(6) },
		"hint":  func(r *rig) { r.hint(6) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.connect(1, "d", false)
			r.token("d")
			r.event(5, urgency(routing.UrgencyLow))
			r.rideFrom(4*time.Minute, 2*time.Minute)
			r.log = nil
			news(r)
			r.want("notify 1 k 6")
			r.rides(1, 5, 2*time.Minute) // of the question before
			r.pass(routing.UrgencyNormal.Patience() - 200*time.Millisecond)
			if len(r.jobs) != 0 || r.tab.Device(deviceID("d")).Doubtful {
				t.Fatalf("given up though it was told just now: %+v", r.jobs)
			}
			r.pass(400 * time.Millisecond)
			if len(r.jobs) != 1 {
				t.Errorf("not pushed after all: %+v", r.jobs)
			}
		})
	}
}

// What an edge says of urgent news does not make them wait.
func TestUrgentNewsDoNotRide(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyHigh))
	r.rides(1, 5, time.Minute)
	r.pass(routing.UrgencyHigh.Patience())
	if len(r.jobs) != 1 {
		t.Errorf("not pushed: %+v", r.jobs)
	}
}
