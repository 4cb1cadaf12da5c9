package dispatch

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

func (r *rig) hint(v int64) {
	r.d.Hint(Hint{Tenant: "t", User: "u", Kind: "k", Version: v, Urgency: routing.UrgencyNormal}, r.now)
}

func (r *rig) wantNothingOpen() {
	r.t.Helper()
	if c := r.d.Counts(); c.Deliveries != 0 || c.Held != 0 || len(r.d.users) != 0 {
		r.t.Errorf("left behind: %+v", c)
	}
}

// Who heard of an event by its hint is not asked again, and the message is
// settled as soon as it comes.
func TestHintComesFirst(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.hint(5)
	r.want("notify 1 k 5")
	r.acked(1, 5)
	r.hint(5) // of a repeated publication
	r.want()
	r.event(5)
	r.want("ack 5")
	r.hint(5) // late
	r.want()
	r.wantNothingOpen()
}

// A message that comes before the answer waits for it, as without a hint.
func TestHintIsAnsweredLate(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.hint(5)
	r.event(5)
	r.want("notify 1 k 5")
	r.pass(1100 * time.Millisecond)
	r.want("notify 1 k 5") // again
	r.acked(1, 5)
	r.want("ack 5")
	r.wantNothingOpen()
}

// Where the log's clock is behind ours, a device has the moment to answer that it
// has without a hint.
func TestHintOfAnEventThatSeemsLate(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.hint(5)
	r.event(5, age(11*time.Second))
	r.want("notify 1 k 5")
	r.pass(grace - 100*time.Millisecond)
	if len(r.jobs) != 0 {
		t.Fatalf("pushed as soon as it was told: %q", r.log)
	}
	r.pass(200 * time.Millisecond)
	if len(r.jobs) != 1 {
		t.Errorf("not pushed after all: %q", r.log)
	}
}

// A hint of something urgent is not outranked by the next one.
func TestHintsKeepTheGreatestUrgency(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	for v, u := range []routing.Urgency{routing.UrgencyHigh, routing.UrgencyNormal} {
		r.d.Hint(Hint{Tenant: "t", User: "u", Kind: "k", Version: int64(v + 1), Urgency: u}, r.now)
	}
	if u := r.d.find(deviceID("d").UserID, "k").device("d").urgency(); u != routing.UrgencyHigh {
		t.Errorf("told as %v", u)
	}
}

// A hint says nothing of devices without a session: the message does.
func TestHintLeavesTheOthersToTheMessage(t *testing.T) {
	r := newRig(t, Config{})
	r.hint(4)
	r.want()
	r.wantNothingOpen()
	r.connect(1, "d", false)
	r.token("away")
	r.hint(5)
	r.acked(1, 5)
	r.want("notify 1 k 5")
	r.event(5)
	r.want("away away k 5", "store away k 5")
	r.stored(0, nil)
	r.want("ack 5")
	r.wantNothingOpen()
}

// Where the message goes to another router, what was answered is forgotten.
func TestHintWithoutItsMessage(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.hint(5)
	r.want("notify 1 k 5")
	r.pass(2 * hintFor) // neither asked again nor given up: nothing is held
	r.want()
	r.wantNothingOpen()
	r.event(5)
	r.want("notify 1 k 5")
}

// What was only hinted at is not remembered as settled with the event before:
// its message is worked on when it comes.
func TestHintIsNotSettledWithTheEventBefore(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.event(5, noPush)
	r.hint(6)
	r.inFlight(1, 6)
	r.disconnect(1)
	r.pass(30 * time.Second) // the device was given up for 5
	r.log = nil
	r.wantNothingOpen()
	r.connect(2, "d", false)
	r.log = nil
	r.event(6, noPush)
	r.want("notify 2 k 6")
	r.acked(2, 6)
	r.want("ack 6")
}

// A hot user's hints are told in bursts, as messages are.
func TestHintsOfAHotUser(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	for v := range int64(100) {
		r.hint(v + 1)
	}
	if len(r.log) != burstMost {
		t.Errorf("%d notifies, want %d", len(r.log), burstMost)
	}
	r.log = nil
	r.pass(burstEvery + 50*time.Millisecond)
	r.want("notify 1 k 100")
}

// Hints take no room from what is held.
func TestHintsAreLeftOutWhereMuchIsHeld(t *testing.T) {
	r := newRig(t, Config{MaxPending: 8})
	r.connect(1, "d", false)
	for _, kind := range []string{"a", "b", "c"} {
		r.event(5, func(m *Message) { m.Kind = kind })
	}
	r.log = nil
	r.hint(6)
	r.want()
}
