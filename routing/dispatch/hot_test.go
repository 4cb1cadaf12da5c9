package dispatch

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// flood publishes an event of the hot user "u" each millisecond, and calls
// each for every one.
func (r *rig) flood(d time.Duration, each func(v int64)) (last int64) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(time.Millisecond)
		last++
		r.event(last)
		if each != nil {
			each(last)
		}
		if last%50 == 0 {
			r.beat()
			r.d.Tick(r.now)
		}
	}
	return last
}

// A user with 1,000 events a second costs its devices, its edge and the push
// queue no more than a few a second; the last of them is the one they hear.
func TestHotUserIsBounded(t *testing.T) {
	r := newRig(t, Config{})
	r.token("away")
	r.connect(1, "silent", false)
	r.token("silent")
	stored := 0
	const seconds = 20
	last := r.flood(seconds*time.Second, func(v int64) {
		for ; stored < len(r.jobs); stored++ {
			r.stored(stored, nil)
		}
		if held := r.d.Counts().Held; held > 2 {
			t.Fatalf("%d messages held", held)
		}
	})
	if n := r.count("notify"); n > seconds*55 {
		t.Errorf("%d notifies in %d s", n, seconds)
	}
	if n := r.count("store away"); n > seconds*2+1 {
		t.Errorf("%d jobs of the device that is away in %d s", n, seconds)
	}
	if n := r.count("store silent"); n == 0 || n > seconds*2 {
		t.Errorf("%d jobs of the silent device in %d s", n, seconds)
	}
	r.pass(time.Second)
	for ; stored < len(r.jobs); stored++ {
		r.stored(stored, nil)
	}
	head := fmt.Sprintf("notify 1 k %d", last)
	if i := slices.Index(r.log, head); i < 0 {
		t.Errorf("the head %d was never told: %v", last, r.log[len(r.log)-5:])
	}
	if v := r.jobs[len(r.jobs)-1].Version; v != last {
		t.Errorf("the last job is for %d, not for the head %d", v, last)
	}
	r.acked(1, last)
	r.pass(time.Minute)
	if c := r.d.Counts(); c.Held != 0 || c.Deliveries != 0 {
		t.Errorf("left behind: %+v", c)
	}
}

// The events of other users are told and settled at once, whatever the hot
// one does.
func TestHotUserStarvesNobody(t *testing.T) {
	r := newRig(t, Config{MaxPending: 64})
	r.connect(1, "silent", false)
	r.token("silent")
	r.crowd("b", 100, 50, false)
	stored, settled := 0, 0
	r.flood(5*time.Second, func(v int64) {
		for ; stored < len(r.jobs); stored++ {
			r.stored(stored, nil)
		}
		if v%10 != 0 {
			return
		}
		u := int(v/10) % 50
		r.log = nil
		r.event(v, of("b", u))
		r.acked(uint64(100+u), v)
		if slices.Contains(r.log, fmt.Sprintf("notify %d k %d", 100+u, v)) && slices.Contains(r.log, fmt.Sprintf("ack %d", v)) {
			settled++
		}
	})
	if settled != 500 {
		t.Errorf("%d of the others' 500 events were told and settled at once", settled)
	}
	if c := r.d.Counts(); c.PutOff != 0 {
		t.Errorf("%d put off", c.PutOff)
	}
}
