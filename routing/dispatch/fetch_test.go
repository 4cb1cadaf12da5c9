package dispatch

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

func (r *rig) fetching(conn uint64, v int64) {
	r.d.Answer("e1", 1, &linkpb.Answer{Conn: conn, Kind: "k", State: linkpb.Answer_STATE_IN_FLIGHT, Version: v, Fetching: true}, r.now)
}

// fetchFrom has the device fetch for a while, as its edge says each time that
// it is asked.
func (r *rig) fetchFrom(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); r.pass(500 * time.Millisecond) {
		r.fetching(1, 5)
	}
}

// A device that fetches is heard: it is not pushed while its backend takes its
// time.
func TestFetchCountsAsHearing(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyHigh))
	r.fetchFrom(8 * time.Second)
	if len(r.jobs) != 0 {
		t.Fatalf("pushed while it fetched: %q", r.log)
	}
	r.acked(1, 5)
	r.pass(time.Minute)
	if len(r.jobs) != 0 {
		t.Errorf("pushed though it had fetched: %q", r.log)
	}
}

func TestFetchThatNeverEnds(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyHigh))
	r.fetchFrom(routing.UrgencyHigh.Patience() + fetchFor + 500*time.Millisecond)
	if len(r.jobs) != 1 {
		t.Errorf("not pushed after all: %q", r.log)
	}
}

// The end of a fetch leaves a moment for the acknowledgement, and no more.
func TestFetchThatEndsInNothing(t *testing.T) {
	r := newRig(t, Config{})
	r.connect(1, "d", false)
	r.token("d")
	r.event(5, urgency(routing.UrgencyHigh))
	r.fetchFrom(4 * time.Second)
	r.inFlight(1, 5)
	r.pass(2 * reask)
	if len(r.jobs) != 1 {
		t.Errorf("not pushed after all: %q", r.log)
	}
}

func TestCheckWhileItFetches(t *testing.T) {
	r := newRig(t, Config{})
	doubtful(r)
	r.d.Check(1, deviceID("d"), "k", 5, routing.UrgencyNormal, r.now)
	r.fetching(1, 5)
	r.pass(600 * time.Millisecond)
	r.want("notify 1 k 5", "checked 1 FETCHING")
}
