package router

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// A router that two others contradict is not complete until its clock is
// right; one that contradicts alone is passed over. The clocks of the others
// are moved: to the router that is the same.
func TestWrongClock(t *testing.T) {
	e := newEnv(t)
	r := e.router("r1", Hooks{})
	one, two := e.edge("e1"), e.edge("e2")
	c := one.connect("u1", "d1", false)
	eventually(t, "the router is ready and hears both", func() bool { return r.Ready() && r.metrics.totals.Load().edges == 2 })
	one.off.Store(int64(-time.Hour))
	time.Sleep(time.Second)
	if r.WrongClock() || !r.Ready() {
		t.Fatal("one edge with a wrong clock stopped the router")
	}
	two.off.Store(int64(-time.Hour))
	eventually(t, "the router finds its clock wrong", func() bool { return r.WrongClock() && !r.Ready() })
	one.off.Store(0)
	two.off.Store(0)
	eventually(t, "the router finds its clock right", r.Ready)
	v := e.publish("u1", "messages")
	eventually(t, "the device hears", func() bool { return one.heard(c, "messages") == v })
}

// Beats of another router count like those of edges.
func TestWrongClockByRouter(t *testing.T) {
	e := newEnv(t)
	r := e.router("r1", Hooks{})
	e.edge("e1").off.Store(int64(time.Hour))
	eventually(t, "the router is ready", r.Ready)
	conn := e.srv.Conn(routing.RoleRouter, "r2")
	eventually(t, "the router finds its clock wrong", func() bool {
		data, err := proto.Marshal(&linkpb.RouterBeat{Router: "r2", Incarnation: 1, Complete: true, NowMs: time.Now().Add(time.Hour).UnixMilli()})
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Publish(routing.BeatSubject("r2"), data)
		time.Sleep(50 * time.Millisecond)
		return r.WrongClock()
	})
}
