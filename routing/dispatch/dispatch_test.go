package dispatch

import (
	"errors"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

func TestNobody(t *testing.T) {
	r := newRig(t, Config{})
	r.event(1)
	r.want("ack 1")
}

func TestConnectedAcknowledges(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5)
	r.want("notify 1 k 5")
	r.inFlight(1, 5)
	r.want()
	r.acked(1, 5)
	r.want("ack 5")
	r.pass(time.Minute)
	r.want()
}

func TestAsksAgainUntilPatienceIsOver(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyHigh))
	r.inFlight(1, 5)
	r.pass(2400 * time.Millisecond)
	r.want("notify 1 k 5", "notify 1 k 5", "notify 1 k 5")
	r.pass(500 * time.Millisecond)
	r.want() // it was asked a second before the end
	r.pass(200 * time.Millisecond)
	r.want("store d k 5")
	r.stored(0, nil)
	r.want("ack 5")
	r.pass(storeEvery)
	// Doubtful now: still notified, pushed at once.
	r.event(6)
	r.want("notify 1 k 6", "store d k 6")
	r.stored(1, nil)
	r.want("ack 6")
	r.acked(1, 6)
	r.event(7)
	r.want("notify 1 k 7")
}

// Whenever a device was asked first, it is asked last within the half second
// that begins a second before the end, and not all are at one moment.
func TestLastAskKeepsItsTurn(t *testing.T) {
	moments := map[time.Duration]bool{}
	for phase := time.Duration(0); phase < time.Second; phase += 50 * time.Millisecond {
		r := newRig(t, Config{})
		r.connect(1, "d", false)
		r.token("d")
		r.event(5, urgency(routing.UrgencyHigh))
		begun := r.now
		r.pass(phase)
		r.event(6) // it is asked anew, and has no more time for that
		r.log = nil
		var last time.Duration
		for r.now.Sub(begun) < routing.UrgencyHigh.Patience() {
			if r.pass(50 * time.Millisecond); len(r.log) == 0 {
				continue
			}
			if r.log[0] == "store d k 6" {
				break
			}
			last, r.log = r.now.Sub(begun), nil
		}
		before := routing.UrgencyHigh.Patience() - last
		if moments[before] = true; before < 500*time.Millisecond || before > time.Second {
			t.Errorf("asked %v after it was told: the last time %v before the end", phase, before)
		}
		if len(r.jobs) != 1 {
			t.Errorf("asked %v after it was told: %q", phase, r.log)
		}
	}
	if len(moments) < 10 {
		t.Errorf("20 devices were asked last at %d moments: %v", len(moments), moments)
	}
}

func TestDoubtIsOverWithANewSession(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyHigh))
	r.pass(4 * time.Second)
	r.stored(0, nil)
	r.log = nil
	r.disconnect(1)
	r.connect(2, "d", false)
	r.want("notify 2 k 5") // settled while the device may have been moving
	r.acked(2, 5)
	r.event(6)
	r.want("notify 2 k 6")
}

func TestPatienceCountsFromTheOldest(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	for v := int64(1); v <= 5; v++ {
		r.event(v)
		r.inFlight(1, v)
		r.pass(1900 * time.Millisecond)
	}
	r.log = nil
	r.pass(time.Second)
	if len(r.jobs) != 1 || r.jobs[0].Version != 5 {
		t.Fatalf("jobs %+v, want one for version 5", r.jobs)
	}
	if age := r.now.Sub(r.jobs[0].EventAt); age < 10*time.Second {
		t.Errorf("the job counts from %v ago, not from the oldest event", age)
	}
}

// The next router counts from the same event: the oldest message of a flow is
// given to it too.
func TestPatienceOutlivesARouter(t *testing.T) {
	first := newRig(t, Config{})
	first.connect(1, "d", false)
	first.token("d")
	for v := int64(1); v <= 7; v++ {
		first.event(v)
		first.pass(time.Second)
	}
	second := newRig(t, Config{})
	second.now = first.now
	second.connect(1, "d", false)
	second.token("d")
	for _, h := range first.d.find(table.UserID{Tenant: "t", User: "u"}, "k").held {
		second.event(h.Version, redelivered, age(first.now.Sub(h.At)))
	}
	second.event(8)
	second.pass(3100 * time.Millisecond)
	if len(second.jobs) != 1 || second.jobs[0].Version != 8 || second.now.Sub(second.jobs[0].EventAt) < 10*time.Second {
		t.Errorf("after 10 s: jobs %+v", second.jobs)
	}
}

func TestHotUserThatFollowsIsNotPushed(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	for v := int64(1); v <= 600; v++ {
		r.event(v)
		if v > 20 {
			r.inFlight(1, v)
			r.acked(1, v-20) // always a second behind
		}
		r.pass(50 * time.Millisecond)
		if c := r.d.Counts(); c.Held > 2 {
			t.Fatalf("%d messages of one class held, want the oldest and the newest", c.Held)
		}
	}
	if len(r.jobs) != 0 {
		t.Errorf("pushed %d times", len(r.jobs))
	}
}

func TestUrgencyIsTheHighestOutstanding(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(1, urgency(routing.UrgencyHigh))
	r.event(2, urgency(routing.UrgencyLow))
	r.want("notify 1 k 1", "notify 1 k 2") // 1 stays open: 2 says less
	r.pass(3100 * time.Millisecond)
	if len(r.jobs) != 1 {
		t.Fatalf("jobs %+v", r.jobs)
	}
}

func TestAway(t *testing.T) {
	r := newRig(t, Config{})
	r.token("d")
	r.event(5)
	r.want("away d k 5", "store d k 5")
	r.stored(0, errors.New("full"))
	r.want()
	r.pass(300 * time.Millisecond)
	r.want("store d k 5")
	r.stored(1, nil)
	r.want("ack 5")
}

func TestEventWithoutPush(t *testing.T) {
	r := newRig(t, Config{})
	r.token("d")
	r.event(5, noPush)
	r.want("away d k 5", "ack 5")
	r.event(6)
	r.event(7, noPush)
	r.want("away d k 6", "store d k 6", "away d k 7", "ack 7") // 6 waits for its own job
	r.stored(0, nil)
	r.want("ack 6")
}

func TestSessionGoneWhileWaiting(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5)
	r.disconnect(1)
	r.pass(closeGrace(routing.UrgencyNormal))
	r.want("notify 1 k 5", "away d k 5", "store d k 5")
}

func TestGoneAnswer(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.event(5)
	r.gone(1, 5)
	r.want("notify 1 k 5", "away d k 5", "ack 5")
}

func TestRedeliveryAsksFirst(t *testing.T) {
	for what, old := range map[string]time.Duration{"in time": 100 * time.Millisecond, "late": time.Minute} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, Config{})
			r.connect(1, "d", true) // in the background, which else is pushed at once
			r.token("d")
			r.event(5, redelivered, age(old))
			r.pass(900 * time.Millisecond)
			r.want("notify 1 k 5")
			r.pass(200 * time.Millisecond)
			if len(r.jobs) != 1 {
				t.Fatal("not pushed after a second")
			}
			r = newRig(t, Config{})
			r.connect(1, "d", true)
			r.token("d")
			r.event(5, redelivered, age(old))
			r.acked(1, 5)
			r.want("notify 1 k 5", "ack 5")
		})
	}
}

func TestBackgroundIsPushedAtOnce(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", true)
	r.token("d")
	r.event(5)
	r.want("notify 1 k 5", "store d k 5")
}

func TestNewDeviceJoins(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "a", false)
	r.event(5)
	r.connect(2, "b", false)
	r.want("notify 1 k 5", "notify 2 k 5")
	r.acked(1, 5)
	r.want()
	r.acked(2, 5)
	r.want("ack 5")
}

func TestWithoutTokenTheEdgeMustHoldIt(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.event(5, urgency(routing.UrgencyHigh))
	r.pass(5 * time.Second)
	if r.d.Counts().Held != 1 {
		t.Fatal("settled though the edge never answered")
	}
	r.log = nil
	r.inFlight(1, 5)
	r.want("ack 5")

	r.event(6) // doubtful: settled as soon as the edge has it
	r.inFlight(1, 6)
	r.want("notify 1 k 6", "ack 6")
}

func TestGivesBackWhatAnEdgeNeverAnswers(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.event(5, urgency(routing.UrgencyHigh))
	r.pass(34 * time.Second)
	if last := r.log[len(r.log)-1]; last != "nak 5" {
		t.Fatalf("last effect %q", last)
	}
	if c := r.d.Counts(); c.Held != 0 || c.Deliveries != 0 || c.GivenBack != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestSupersession(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5)
	r.event(7)
	r.want("notify 1 k 5", "notify 1 k 7") // 5 stays as the oldest
	r.event(6, redelivered)                // neither the newest nor the oldest
	r.want("ack 6")
	r.event(8, noPush) // says less: all stay
	r.want("notify 1 k 8")
	r.event(4, redelivered) // the oldest now
	r.want("ack 5")
	r.acked(1, 8)
	r.want("ack 4", "ack 7", "ack 8")
	r.event(6, redelivered)
	r.want("ack 6") // every device has acknowledged more
}

func TestSameMessageAgainIsNotAcknowledged(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.event(5)
	r.event(5, redelivered, func(m *Message) { m.Receipt = "5 again" })
	r.want("notify 1 k 5")
	r.acked(1, 5)
	r.want("ack 5 again")
}

func TestRegistrationAfterSettlementIsReminded(t *testing.T) {
	r := newRig(t, Config{RecentFor: 30 * time.Second})
	r.event(5)
	r.want("ack 5")
	r.connect(1, "d", false)
	r.want("notify 1 k 5")
	r.pass(1100 * time.Millisecond)
	r.want("notify 1 k 5")
	r.inFlight(1, 5)
	r.pass(5 * time.Second)
	r.want()
	r.pass(30 * time.Second)
	r.connect(2, "e", false)
	r.want()
}

func TestRecentIsBounded(t *testing.T) {
	r := newRig(t, Config{MaxRecent: 2})
	for _, user := range []string{"a", "b", "c"} {
		r.event(1, func(m *Message) { m.User = user })
	}
	if c := r.d.Counts(); c.Recent != 2 || c.RecentEvicted != 1 {
		t.Errorf("counts %+v", c)
	}
}

func TestProgress(t *testing.T) {
	r := newRig(t, Config{AckWait: 3 * time.Second})
	r.connect(1, "d", false)
	r.event(5)
	r.log = nil
	for range 22 {
		r.now = r.now.Add(100 * time.Millisecond)
		r.d.hold.progress(r.now, r.Progress)
	}
	r.want("progress 5", "progress 5")
}

func TestLeave(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("a")
	r.event(5)
	r.d.Check(1, deviceID("d"), "k", 5, routing.UrgencyNormal, r.now)
	r.log = nil
	r.d.Leave()
	r.event(6)
	r.want("nak 5", "checked 1 UNSPECIFIED", "nak 6")
	r.stored(0, nil)
	r.acked(1, 5)
	r.connect(2, "d", false)
	r.pass(time.Minute)
	r.want()
}
