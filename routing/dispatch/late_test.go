package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// A device says Hello with its first push token and is gone again before its
// record is in the table; an event finds neither a token nor a session.
func TestTokenThatComesLateIsPushed(t *testing.T) {
	r := newRig(t, Config{})
	r.event(5, urgency(routing.UrgencyHigh))
	r.want("ack 5")
	at := r.now
	r.pass(2 * time.Second)
	r.token("d")
	r.want("away d k 5", "store d k 5")
	if j := r.jobs[0]; j.Urgency != routing.UrgencyHigh || !j.EventAt.Equal(at) {
		t.Errorf("job %+v", j)
	}
	r.stored(0, fmt.Errorf("no leader"))
	r.pass(time.Second)
	r.want("store d k 5")
	r.stored(1, nil)
	r.pass(time.Minute)
	r.want()
	if c := r.d.Counts(); c.Deliveries != 0 || c.Held != 0 {
		t.Errorf("left behind: %+v", c)
	}
}

// The same where the user's other devices have acknowledged.
func TestTokenThatComesLateAfterOthersHeard(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "a", false)
	r.event(5)
	r.acked(1, 5)
	r.want("notify 1 k 5", "ack 5")
	r.token("d")
	r.want("away d k 5", "store d k 5")
	r.token("a") // has acknowledged
	r.want()
}

// The same while the event waits for another device.
func TestTokenThatComesLateWhileOthersAreAsked(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "a", false)
	r.connect(2, "d", false)
	r.event(5)
	r.disconnect(2)
	r.want("notify 1 k 5", "notify 2 k 5", "away d k 5")
	r.token("d") // was given up for want of a token
	r.want("store d k 5")
	r.token("e") // was not there at all
	r.want("away e k 5", "store e k 5")
	r.acked(1, 5)
	r.stored(0, nil)
	r.want()
	r.stored(1, nil)
	r.want("ack 5")
}

// A session that is there is asked first, and pushed only if it is silent.
func TestTokenThatComesLateAsksFirst(t *testing.T) {
	r := newRig(t, Config{})
	r.event(5)
	r.want("ack 5")
	r.pass(20 * time.Second)
	r.connect(1, "d", false)
	r.token("d")
	r.want("notify 1 k 5")
	r.pass(500 * time.Millisecond)
	r.acked(1, 5)
	r.pass(time.Minute)
	r.want()

	r = newRig(t, Config{})
	r.event(5)
	r.pass(20 * time.Second)
	r.connect(1, "d", false)
	r.token("d")
	r.inFlight(1, 5)
	r.pass(1100 * time.Millisecond)
	r.want("ack 5", "notify 1 k 5", "notify 1 k 5", "store d k 5")
	r.stored(0, nil)
	r.d.Leave()
	r.want()
}

// What asked for no push gets none.
func TestTokenThatComesLateWithoutPush(t *testing.T) {
	r := newRig(t, Config{})
	r.event(5, noPush)
	r.want("ack 5")
	r.token("d")
	r.want()
}

// A registration that was on its way while the user's other devices
// acknowledged: the replica that is asked for its heads may lag.
func TestRegistrationAfterOthersHeardIsReminded(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "a", false)
	r.event(5)
	r.acked(1, 5)
	r.want("notify 1 k 5", "ack 5")
	r.connect(2, "b", false)
	r.want("notify 2 k 5")
	r.acked(2, 5)
	r.connect(3, "a", false) // has acknowledged
	r.want()
	r.pass(31 * time.Second)
	r.connect(4, "c", false)
	r.want()
	if n := len(r.d.users); n != 0 {
		t.Errorf("%d users are left behind", n)
	}
}

// The push of a newer event stands for the older one, and is as urgent.
func TestJobIsAsUrgentAsWhatItStandsFor(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyHigh))
	at := r.now
	r.pass(time.Second)
	r.event(6, urgency(routing.UrgencyLow))
	r.disconnect(1)
	r.pass(closeGrace(routing.UrgencyHigh))
	j := r.jobs[0]
	if j.Version != 6 || j.Urgency != routing.UrgencyHigh || !j.EventAt.Equal(at) || !j.LatestAt.Equal(at.Add(time.Second)) {
		t.Errorf("job %+v", j)
	}
}

// The same where the event is settled, and only a later one without a push
// keeps its flow open: the push that is owed must not be forgotten with it.
func TestTokenThatComesLateBehindAnEventWithoutPush(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "a", false)
	r.event(5)
	r.event(6, noPush)
	r.acked(1, 5) // 6 is still open, and holds the flow open
	r.want("notify 1 k 5", "notify 1 k 6", "ack 5")
	r.token("d")
	r.want("away d k 6", "store d k 5")
	r.stored(0, nil)
	r.acked(1, 6)
	r.want("ack 6")
	if c := r.d.Counts(); c.Deliveries != 0 || c.Held != 0 {
		t.Errorf("left behind: %+v", c)
	}
}

// The same where the event is only remembered: its flow ended before the
// later one came. The device that was pushed for it is not pushed again.
func TestTokenThatComesLateBehindANewFlow(t *testing.T) {
	r := newRig(t, Config{})
	r.token("a")
	r.event(5)
	r.want("away a k 5", "store a k 5")
	r.stored(0, nil)
	r.want("ack 5")
	r.connect(1, "b", false)
	r.event(6, noPush)
	r.want("notify 1 k 5", "notify 1 k 6", "away a k 6")
	r.pass(storeEvery)
	r.token("d")
	r.want("away d k 6", "store d k 5")
	r.stored(1, nil)
	r.acked(1, 6)
	r.want("ack 6")
}
