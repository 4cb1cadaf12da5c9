package dispatch

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

func TestLostEdge(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5)
	r.log = nil
	r.lose()
	r.wait(19900 * time.Millisecond)
	r.want()
	r.wait(200 * time.Millisecond)
	r.want("away d k 5", "store d k 5")
	// Long after the edge was lost its devices are away like others.
	r.stored(0, nil)
	r.log = nil
	r.wait(time.Minute)
	r.event(6)
	r.want("away d k 6", "store d k 6")
}

// A device that comes back is not pushed.
func TestLostEdgeWhoseDevicesComeBack(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.lose()
	r.event(5)
	r.d.Check(1, deviceID("d"), "k", 5, routing.UrgencyNormal, r.now)
	r.want("checked 1 IN_FLIGHT")
	r.wait(5 * time.Second)
	r.connect(2, "d", false)
	r.acked(2, 5)
	r.want("notify 2 k 5", "ack 5")
}

// An urgent event waits for a lost edge's device no longer than for a
// connected one, and one that pushes nobody does not wait at all.
func TestLostEdgeAndUrgency(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.lose()
	r.event(5, noPush)
	r.want("away d k 5", "ack 5")
	r.event(6, urgency(routing.UrgencyHigh))
	r.wait(2900 * time.Millisecond)
	r.want()
	r.wait(200 * time.Millisecond)
	r.want("away d k 6", "store d k 6")
}

// The pushes of a lost site come one after the other.
func TestLostSiteIsPushedWithPauses(t *testing.T) {
	r := newRig(t, Config{LostRate: 10})
	r.crowd("a", 1, 100, true)
	r.lose()
	for i := range 100 {
		r.event(int64(i+1), of("a", i))
	}
	r.wait(20 * time.Second)
	r.wait(5 * time.Second)
	if n := len(r.jobs); n < 45 || n > 55 {
		t.Errorf("%d pushed within 5 s at 10/s", n)
	}
	r.wait(6 * time.Second)
	if n := len(r.jobs); n != 100 {
		t.Errorf("%d pushed of 100", n)
	}
}

// lose has the router give up the edge; wait is pass without its beats.
func (r *rig) lose() {
	r.tab.Forget("e1", r.now)
	r.live, r.seq, r.log = map[uint64]uint64{}, 0, nil
}

func (r *rig) wait(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(50 * time.Millisecond)
		r.d.Tick(r.now)
	}
	r.log = slices.DeleteFunc(r.log, func(l string) bool { return strings.HasPrefix(l, "progress") })
}
