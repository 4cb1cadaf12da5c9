package router

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
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

	first := e.publish("u1", "posts", low)
	e.settled()
	j := e.stored("u1", "d1", "posts")
	if left := time.Until(j.NotBefore); j.Version != first || left <= 0 || left > time.Hour {
		t.Errorf("%+v", j)
	}
	second := e.publish("u1", "posts", func(ev *routing.Event) { ev.Urgency = routing.UrgencyNormal })
	e.settled()
	if j := e.stored("u1", "d1", "posts"); j.Version != second || !j.NotBefore.IsZero() {
		t.Errorf("what is more urgent waits: %+v", j)
	}
	e.publish("u1", "messages", low)
	e.settled()
	if j := e.stored("u1", "d1", "messages"); !j.NotBefore.IsZero() {
		t.Errorf("a kind without a window: %+v", j)
	}
}
