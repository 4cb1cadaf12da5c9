package router

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
	"github.com/hawser-edge/hawser/routing/table"
)

func TestWindowsOfDevices(t *testing.T) {
	const length = 5 * time.Minute
	now := time.UnixMilli(1_700_000_000_000)
	parts := [5]int{}
	for i := range 1000 {
		id := table.ID("t", "u", fmt.Sprint(i))
		at := nextWindow(id, length, now)
		if !at.After(now) || at.Sub(now) > length {
			t.Fatalf("%v from now", at.Sub(now))
		}
		if again := nextWindow(id, length, at.Add(-1)); !again.Equal(at) {
			t.Fatalf("just before it is %v away", again.Sub(at))
		}
		if next := nextWindow(id, length, at); !next.Equal(at.Add(length)) {
			t.Fatalf("the one after is %v away", next.Sub(at))
		}
		parts[min(at.Sub(now)/time.Minute, 4)]++
	}
	for _, n := range parts {
		if n < 100 {
			t.Errorf("devices are not spread over the minutes: %v", parts)
		}
	}
}

// The job of an event that is not urgent waits for the window, one that is more
// urgent lifts that.
func TestLowUrgencyWaitsForTheWindow(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	edge := e.edge("e1")
	edge.put("u1", "d1", "token", r)
	low := func(ev *routing.Event) { ev.Urgency = routing.UrgencyLow }

	j := e.storedAt(e.publish("u1", "posts", low), "u1", "d1", "posts")
	if left := time.Until(j.NotBefore); left <= 0 || left > time.Hour {
		t.Errorf("%+v", j)
	}
	normal := e.publish("u1", "posts", func(ev *routing.Event) { ev.Urgency = routing.UrgencyNormal })
	if j := e.storedAt(normal, "u1", "d1", "posts"); !j.NotBefore.IsZero() {
		t.Errorf("what is more urgent waits: %+v", j)
	}
	if j := e.storedAt(e.publish("u1", "messages", low), "u1", "d1", "messages"); !j.NotBefore.IsZero() {
		t.Errorf("a kind without a window: %+v", j)
	}
}

// storedAt waits for the job of a version.
func (e *env) storedAt(version int64, user, device, kind string) (j pushqueue.Job) {
	e.t.Helper()
	eventually(e.t, "the job is stored", func() bool {
		j = e.stored(user, device, kind)
		return j.Version == version
	})
	return j
}

// A device that comes and fetches while its push waits is not pushed.
func TestWaitingJobIsRemovedOnceItIsHeard(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	edge := e.edge("e1")
	edge.put("u1", "d1", "token", r)
	low := func(ev *routing.Event) { ev.Urgency = routing.UrgencyLow }
	v := e.publish("u1", "posts", low)
	if j := e.storedAt(v, "u1", "d1", "posts"); j.NotBefore.IsZero() {
		t.Fatalf("%+v", j)
	}
	conn := edge.connect("u1", "d1", true)
	eventually(t, "the device is told", func() bool { return edge.heard(conn, "posts") == v })
	edge.ack(conn, "posts", v)
	eventually(t, "the job is gone", func() bool { return e.stored("u1", "d1", "posts").Version == 0 })
}
