package dispatch

import (
	"errors"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

func strict(m *Message) { m.Strict, m.Urgency = true, routing.UrgencyHigh }

// The job is stored before the device is told, for the end of its patience.
func TestStrictIsStoredBeforeItIsTold(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	at := r.now
	r.event(5, strict)
	r.want("store d k 5")
	if due := r.jobs[0].NotBefore; due.Sub(at) != routing.UrgencyHigh.Patience() {
		t.Errorf("the job is due %v after the event", due.Sub(at))
	}
	r.pass(300 * time.Millisecond)
	r.want()
	r.stored(0, nil)
	r.want("notify 1 k 5")
	r.acked(1, 5)
	r.want("remove d k 5", "ack 5")
	r.pass(time.Minute)
	r.want()
}

// A device that does not acknowledge has its job already; it is stored once
// more for good measure, which the queue answers by what it has.
func TestStrictThatIsNotAcknowledged(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, strict)
	r.stored(0, nil)
	r.inFlight(1, 5)
	r.log = nil
	r.pass(2800 * time.Millisecond)
	if len(r.jobs) != 1 {
		t.Fatalf("%q", r.log)
	}
	r.log = nil
	r.pass(400 * time.Millisecond)
	r.want("store d k 5")
	r.stored(1, nil)
	r.want("ack 5")
}

// An acknowledgement that overtakes the word of the queue removes the job, too.
func TestStrictAcknowledgedWhileItIsStored(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.connect(2, "e", false)
	r.token("d")
	r.event(5, strict)
	r.acked(1, 5) // it had fetched by itself
	r.stored(0, nil)
	r.want("store d k 5", "notify 2 k 5", "remove d k 5")
}

// The same where nothing is open any more.
func TestStrictSettledWhileItIsStored(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, strict)
	r.acked(1, 5)
	r.stored(0, nil)
	r.want("store d k 5", "ack 5", "remove d k 5")
}

// A queue that cannot store does not keep a call from ringing.
func TestStrictWhereTheQueueIsAway(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, strict)
	r.stored(0, errors.New("no leader"))
	r.pass(insureFor - 100*time.Millisecond)
	for _, l := range r.log {
		if l == "notify 1 k 5" {
			t.Error("told before the job was stored, and before it was late")
		}
	}
	r.pass(300 * time.Millisecond)
	told := false
	for _, l := range r.log {
		told = told || l == "notify 1 k 5"
	}
	if !told {
		t.Errorf("not told: %q", r.log)
	}
}

func TestStrictThatNeedsNoInsurance(t *testing.T) {
	for name, prepare := range map[string]func(*rig){
		"away":       func(r *rig) {},
		"background": func(r *rig) { r.connect(1, "d", true) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, Config{})
			r.token("d")
			prepare(r)
			r.event(5, strict)
			if len(r.jobs) != 1 || !r.jobs[0].NotBefore.IsZero() {
				t.Errorf("%+v", r.jobs)
			}
		})
	}
}
