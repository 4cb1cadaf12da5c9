package router

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
)

// A device hears of a call only once its push is in the queue; a router that
// dies right afterwards cannot lose it, even if none takes its place.
func TestStrictPushOutlivesItsRouter(t *testing.T) {
	e := newEnv(t)
	release := make(chan struct{})
	r := e.readyRouter("r1", Hooks{BeforeStore: func(Away) { <-release }})
	edge := e.edge("e1")
	conn := edge.connect("u1", "d1", true)
	edge.put("u1", "d1", "token", r)
	eventually(t, "the device is connected", func() bool { return r.metrics.totals.Load().sessions == 1 })

	published := time.Now()
	v := e.publish("u1", "calls", func(ev *routing.Event) { ev.Urgency = routing.UrgencyNormal })
	eventually(t, "the job is on its way", func() bool { return r.metrics.totals.Load().Stores == 1 })
	heard := edge.heard(conn, "calls")
	if heard != 0 && time.Since(published) < time.Second {
		t.Error("the device was told before the job was stored")
	}
	close(release)
	eventually(t, "the device is told", func() bool { return edge.heard(conn, "calls") == v })
	j := e.stored("u1", "d1", "calls")
	if heard == 0 && (j.Version != v || j.NotBefore.Before(published.Add(routing.UrgencyNormal.Patience()-time.Second))) {
		t.Errorf("the device is told, and the queue has %+v", j)
	}
	r.stop()
	if j := e.storedAt(v, "u1", "d1", "calls"); j.NotBefore.IsZero() {
		t.Errorf("%+v", j)
	}
}

func TestStrictPushIsRemovedOnceItIsHeard(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	edge := e.edge("e1")
	conn := edge.connect("u1", "d1", true)
	edge.put("u1", "d1", "token", r)
	eventually(t, "the device is connected", func() bool { return r.metrics.totals.Load().sessions == 1 })
	v := e.publish("u1", "calls", func(ev *routing.Event) { ev.Urgency = routing.UrgencyLow }) // a minute of time
	eventually(t, "the device is told", func() bool { return edge.heard(conn, "calls") == v })
	edge.ack(conn, "calls", v)
	eventually(t, "the job is gone", func() bool { return e.stored("u1", "d1", "calls").Version == 0 })
}
