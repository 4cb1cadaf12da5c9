package dispatch

import (
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// again takes in an event that was read from the log.
func (r *rig) again(v int64, at time.Time) bool {
	return r.d.Again(Message{Tenant: "t", User: "u", Kind: "k", Version: v, At: at, Urgency: routing.UrgencyNormal, Push: true}, r.now)
}

// half is a rig whose event 5 has its job stored for a device that is away, and
// waits for one that is connected. at is when it came.
func half(t *testing.T) (r *rig, at time.Time) {
	r = newRig(t, Config{})
	r.token("away")
	r.connect(1, "here", false)
	r.token("here")
	at = r.now
	r.event(5)
	r.stored(0, nil)
	return r, at
}

// forget lets time pass of which nothing is compared.
func (r *rig) forget(d time.Duration) {
	r.pass(d)
	r.log, r.jobs = nil, nil
}

// The queue lost the job for which an event was settled, a moment ago or longer.
func TestAgainAfterItWasSettled(t *testing.T) {
	for _, ago := range []time.Duration{10 * time.Second, 2 * time.Minute} {
		r, at := half(t)
		r.acked(1, 5)
		r.forget(ago)

		if !r.again(5, at) {
			t.Fatal("no place for it")
		}
		r.want("away away k 5", "store away k 5", "notify 1 k 5")
		r.stored(0, nil)
		r.acked(1, 5) // had it all the time
		r.pass(2 * time.Minute)
		r.want()
		if c := r.d.Counts(); c.Deliveries != 0 || c.Held != 0 || c.Again != 1 {
			t.Errorf("left behind: %+v", c)
		}
	}
}

// The same while the event waits for another device, which keeps its time.
func TestAgainWhileItIsOpen(t *testing.T) {
	r, at := half(t)
	r.forget(2 * time.Second)
	r.again(5, at)
	r.pass(time.Second)
	r.want("store away k 5", "notify 1 k 5")
	r.stored(0, nil)
	r.acked(1, 5)
	r.want("ack 5")
}

// The log never handed the event out.
func TestAgainWhereNobodyKnewOfIt(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "silent", false)
	r.token("silent")
	r.again(5, r.now.Add(-time.Minute))
	r.want("notify 1 k 5")
	r.pass(900 * time.Millisecond)
	r.want() // was asked just now
	r.pass(200 * time.Millisecond)
	if len(r.jobs) != 1 || r.jobs[0].Version != 5 {
		t.Errorf("jobs %+v", r.jobs)
	}
}

// What the log does not hold open keeps nothing open in its place.
func TestAgainCoversNothing(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "slow", false)
	r.token("slow")
	r.event(5)
	r.again(7, r.now)
	r.event(6)
	r.want("notify 1 k 5", "notify 1 k 7")
	r.acked(1, 7)
	r.want("ack 5", "ack 6")
}

func TestAgainWaitsForRoom(t *testing.T) {
	r := newRig(t, Config{MaxPending: 4})
	r.connect(1, "d", false)
	for v := range int64(3) {
		r.event(5+v, func(m *Message) { m.User = "v" + string('0'+rune(v)) })
	}
	r.connect(2, "e", false)
	r.event(9)
	if r.again(9, r.now) {
		t.Error("taken in beside what waits")
	}
	if !func() bool { r.acked(1, 9); r.acked(2, 9); return r.again(9, r.now) }() {
		t.Error("not taken in though nothing waits")
	}
}

// What is seen to once more may also be delivered by the log, which then is told
// that it is worked on.
func TestAgainThenDelivered(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "slow", false)
	r.token("slow")
	r.again(5, r.now)
	r.event(5, redelivered)
	r.want("notify 1 k 5")
	if c := r.d.Counts(); c.Held != 1 {
		t.Errorf("held %d", c.Held)
	}
	for range 60 {
		r.now = r.now.Add(50 * time.Millisecond)
		r.beat()
		r.d.Tick(r.now)
	}
	if !slices.Contains(r.log, "progress 5") {
		t.Errorf("the log hears nothing of it: %q", r.log)
	}
	r.log = nil
	r.acked(1, 5)
	r.want("ack 5")
	if c := r.d.Counts(); c.Held != 0 || c.Deliveries != 0 {
		t.Errorf("left behind: %+v", c)
	}
}
