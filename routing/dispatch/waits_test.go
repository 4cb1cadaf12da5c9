package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/table"
)

// heldJob has an event of low urgency stored for a device that is away, which
// is pushed in five minutes.
func heldJob(r *rig) {
	r.token("d")
	r.event(5, urgency(routing.UrgencyLow))
	r.stored(0, nil)
	r.d.Waits(r.jobs[0], r.now.Add(5*time.Minute))
	r.want("away d k 5", "store d k 5", "ack 5")
}

// A device that comes and fetches before its push needs none.
func TestHeldJobOfADeviceThatComes(t *testing.T) {
	r := newRig(t, Config{})
	heldJob(r)
	r.pass(2 * time.Minute) // the event is long forgotten
	r.connect(1, "d", false)
	r.want("notify 1 k 5")
	r.inFlight(1, 5)
	r.want()
	r.acked(1, 5)
	r.want("remove d k 5")
	r.disconnect(1)
	r.connect(2, "d", false)
	r.want()
}

// It may have come while the job was on its way into the queue.
func TestHeldJobOfADeviceThatIsBack(t *testing.T) {
	r := newRig(t, Config{})
	r.token("d")
	r.event(5, urgency(routing.UrgencyLow))
	r.connect(1, "d", false)
	r.log = nil
	r.stored(0, nil)
	r.d.Waits(r.jobs[0], r.now.Add(5*time.Minute))
	r.want("ack 5", "notify 1 k 5")
	r.acked(1, 5)
	r.want("remove d k 5")
}

func TestHeldJobOfADeviceThatHasLess(t *testing.T) {
	r := newRig(t, Config{})
	heldJob(r)
	r.connect(1, "d", false)
	r.acked(1, 4)
	r.pass(6 * time.Minute)
	for _, l := range r.log {
		if l == "remove d k 5" {
			t.Error("removed though the device lacks it")
		}
	}
	if n := len(r.d.waits.jobs); n != 0 {
		t.Errorf("%d devices are remembered after the time", n)
	}
}

func TestWaitsAreBounded(t *testing.T) {
	w := newWaits()
	for i := range maxWaits + 10 {
		w.add(table.ID("t", "u", fmt.Sprint(i)), waiting{"k", 1, time.Time{}})
	}
	if len(w.jobs) != maxWaits || len(w.queue) != maxWaits {
		t.Errorf("%d devices, %d jobs", len(w.jobs), len(w.queue))
	}
}
