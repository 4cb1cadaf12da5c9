package router

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/events"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// telling is an env whose tenant is told of presence after a second. Its routers
// are in one process: if that stands still for longer than half of AckWait, none
// of them is complete for a while, and what happens then is told by nobody.
func telling(t *testing.T) (*env, func() map[string]int) {
	e := newEnvWaiting(t, time.Minute)
	var err error
	e.cat, err = routing.NewCatalog([]routing.Tenant{
		{Name: tenant, Kinds: map[string]routing.Kind{"messages": {}}, PresenceEvents: time.Second},
		{Name: "silent", Kinds: map[string]routing.Kind{"messages": {}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	reader, told := events.NewReader(e.js), map[string]int{}
	return e, func() map[string]int {
		got, err := reader.Read(e.ctx(), tenant, 500, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range got {
			var x events.Event
			if err := json.Unmarshal(d.JSON, &x); err != nil {
				t.Fatal(err)
			}
			if x.Type == "hawser.v1.presence.changed" {
				told[x.Data.User+" "+x.Data.State+" "+x.Data.Epoch]++
			}
		}
		return told
	}
}

func TestPresenceEvents(t *testing.T) {
	e, told := telling(t)
	routers := []*running{e.readyRouter("r1", Hooks{}), e.readyRouter("r2", Hooks{})}
	one, two := e.edge("e1"), e.edge("e2")
	conn := one.connectAt("u1", "phone", false, 5000)
	eventually(t, "the backend hears that it came", func() bool { return told()["u1 online 5000"] >= 1 })
	// It moves: nothing to tell.
	two.connectAt("u1", "phone", false, 6000)
	for _, r := range routers {
		eventually(t, "the router knows where it is", func() bool { return r.knows(t, "u1", 6000) })
	}
	one.disconnect(conn)
	last := two.connectAt("u2", "phone", false, 7000)
	eventually(t, "another one came", func() bool { return told()["u2 online 7000"] >= 1 })
	two.disconnect(last)
	eventually(t, "and went", func() bool { return told()["u2 offline 7000"] >= 1 })
	if got := told(); len(got) != 3 {
		t.Errorf("the backend was told %v", got)
	}
	for what, n := range told() {
		if n > 2 {
			t.Errorf("%q was told %d times by two routers", what, n)
		}
	}
}

// knows reports whether the router has a user's one device with that session.
func (r *running) knows(t *testing.T, user string, epoch int64) bool {
	q := presenceQuery{&linkpb.PresenceQuery{Tenant: tenant, Users: []string{user}}, make(chan *hawserv1.PresenceResponse, 1)}
	r.presence <- q
	devices := (<-q.answer).GetUsers()[0].GetDevices()
	return len(devices) == 1 && devices[0].GetEpoch() == epoch
}

// An edge and a router die: what was to be told is told by who is left.
func TestPresenceEventsOverDeaths(t *testing.T) {
	e, told := telling(t)
	e.readyRouter("r1", Hooks{})
	dying := e.readyRouter("r2", Hooks{})
	one, two := e.edge("e1"), e.edge("e2")
	const users = 40
	for i := range users {
		one.connectAt(fmt.Sprint("u", i), "phone", false, 5000)
	}
	two.connectAt("stays", "phone", false, 5000)
	eventually(t, "all came", func() bool { return len(told()) == users+1 })
	one.stop()
	time.Sleep(3500 * time.Millisecond) // the edge is lost, the changes are not due
	dying.stop()
	offline := func() (n int) {
		for i := range users {
			n += min(1, told()[fmt.Sprintf("u%d offline 5000", i)])
		}
		return n
	}
	eventually(t, "all went", func() bool { return offline() == users })
	if told()["stays offline 5000"] != 0 {
		t.Error("a device of a living edge went")
	}
}
