package edgelink_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

func TestSessionIsVerified(t *testing.T) {
	e := start(t, nil)
	if !e.link.Degraded() {
		t.Error("not degraded although there is no router")
	}
	r := e.router("r1", 1, nil)
	all := e.register(1, 3)
	r.follows(all)
	e.verified(1, all)
	if e.hub.wrong > 0 {
		t.Errorf("%d sessions got another user's heads", e.hub.wrong)
	}
	if e.link.Degraded() {
		t.Error("degraded although a router is complete")
	}
	if got := e.hub.total(); got != len(all) {
		t.Errorf("heads came %d times for %d sessions", got, len(all))
	}
	if got := metrictest.Value(t, e.reg, "hawser_edgelink_sessions_unverified"); got != 0 {
		t.Errorf("%v sessions are unverified", got)
	}
}

// Heads that are read before the router knows of the session may be older
// than an event that the router then settles without it.
func TestHeadsAreAskedAfterTheEcho(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, func(r *script) { r.mute = true })
	all := e.register(1, 3)
	r.follows(all)
	e.unverified()
	r.do(func() { r.mute = false })
	e.verified(1, all)
}

func TestEveryRouterMustEcho(t *testing.T) {
	for name, end := range map[string]func(*script){
		"echoes": func(r *script) { r.mute = false },
		"leaves": func(r *script) {
			r.silent = true
			r.send(routing.BeatSubject(r.name), &linkpb.RouterBeat{Router: r.name, Incarnation: r.inc, Leaving: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, nil)
			r1 := e.router("r1", 1, nil)
			r2 := e.router("r2", 1, func(r *script) { r.mute = true })
			e.knows(2)
			all := e.register(1, 3)
			r1.follows(all)
			r2.follows(all)
			e.unverified()
			r2.do(func() { end(r2) })
			e.verified(1, all)
		})
	}
}

func TestDeadRouterIsNotWaitedFor(t *testing.T) {
	e := start(t, func(c *edgelink.Config) { c.Timing.Present = 400 * time.Millisecond })
	e.router("r1", 1, nil)
	r2 := e.router("r2", 1, func(r *script) { r.mute = true })
	all := e.register(1, 3)
	r2.follows(all)
	r2.do(func() { r2.silent = true })
	e.verified(1, all)
}

// A router that is not complete dispatches nothing, unless a dump is about
// to make it so.
func TestIncompleteRouters(t *testing.T) {
	e := start(t, nil)
	e.router("r1", 1, nil)
	r2 := e.router("r2", 1, func(r *script) { r.complete, r.mute, r.deaf = false, true, 1<<30 })
	e.knows(2)
	first := e.register(1, 3)
	e.verified(1, first)
	r2.do(r2.askDump)
	eventually(t, func() bool { r2.mu.Lock(); defer r2.mu.Unlock(); return r2.dumps == 1 }, func() any { return "no dump" })
	second := e.register(4, 6)
	time.Sleep(300 * time.Millisecond)
	if e.hub.count(4) != 0 {
		t.Error("a session was verified without the router that is filled by a dump")
	}
	r2.do(func() { r2.deaf, r2.mute = 0, false })
	e.verified(1, second)
}

func TestRouterBecomesComplete(t *testing.T) {
	e := start(t, nil)
	e.router("r1", 1, nil)
	all := e.register(1, 20)
	e.verified(1, all)
	r2 := e.router("r2", 1, func(r *script) { r.complete = false })
	r2.follows(all)
	time.Sleep(200 * time.Millisecond)
	before := e.hub.total()
	r2.do(func() { r2.complete = true })
	e.verified(2, all)
	if before != len(all) {
		t.Errorf("heads were delivered %d times before the router was complete, want %d", before, len(all))
	}
}

// Nothing can be asked of a router that was never there.
func TestNoRouter(t *testing.T) {
	e := start(t, nil)
	e.register(1, 3)
	e.unverified()
}

func TestHeadsAreAskedUntilAnswered(t *testing.T) {
	for name, problem := range map[string]error{
		"silence": errSilent,
		"error":   errors.New("the log can not be read"),
	} {
		t.Run(name, func(t *testing.T) {
			e := start(t, nil)
			r := e.router("r1", 1, func(r *script) { r.headsErr = problem })
			all := e.register(1, 2)
			eventually(t, func() bool { return r.asks("u1") >= 2 }, func() any { return "not asked again" })
			e.link.Unregister(2)
			r.do(func() { r.headsErr = nil })
			delete(all, 2)
			e.verified(1, all)
			if e.hub.count(2) != 0 {
				t.Error("heads came for a session that has ended")
			}
		})
	}
}

func TestSupersedeAndRefuse(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	all := e.register(1, 3)
	r.follows(all)
	r.do(func() {
		r.sendEcho(&linkpb.Echo{EdgeIncarnation: incarnation - 1, Superseded: []uint64{3}, Refused: []uint64{3}})
	})
	eventually(t, func() bool {
		// A router says it until the sessions have ended.
		r.do(func() { r.sendEcho(&linkpb.Echo{Superseded: []uint64{1, 77}, Refused: []uint64{2, 78}}) })
		e.hub.mu.Lock()
		defer e.hub.mu.Unlock()
		return len(e.hub.superseded) > 0 && len(e.hub.refused) > 0
	}, func() any { return e.hub })
	e.hub.mu.Lock()
	defer e.hub.mu.Unlock()
	superseded, refused := slices.Compact(e.hub.superseded), slices.Compact(e.hub.refused)
	if !slices.Equal(superseded, []uint64{1}) || !slices.Equal(refused, []uint64{2}) {
		t.Errorf("superseded %v, refused %v, want 1 and 2", superseded, refused)
	}
}
