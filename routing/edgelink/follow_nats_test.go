package edgelink_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

func TestRouterFollowsChanges(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	all := e.register(1, 10)
	r.follows(all)
	for c := uint64(1); c <= 5; c++ {
		e.link.Unregister(c)
		delete(all, c)
	}
	e.link.Unregister(99)
	r.follows(all)
	s := session(6)
	s.Background = true
	e.link.Register(s)
	eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.sessions[6].GetBackground()
	}, func() any { return "not in the background" })
	r.follows(all)
}

// What is lost on the way is healed by a dump that fits the batches, while
// sessions come and go.
func TestLostBatchesAreHealed(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	r.follows(map[uint64]string{})
	live := map[uint64]string{}
	var next uint64
	for range 300 {
		if rand.IntN(20) == 0 {
			r.do(func() { r.deaf++ })
		}
		if rand.IntN(3) > 0 {
			next++
			e.link.Register(session(next))
			live[next] = user(next)
		} else {
			for c := range live {
				e.link.Unregister(c)
				delete(live, c)
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(2)) * time.Millisecond)
	}
	r.follows(live)
	e.verified(1, live)
	if r.dumps < 2 {
		t.Errorf("%d dumps: the test lost no batch", r.dumps)
	}
}

func TestBurst(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	const n, workers = 10_000, 8
	var wg sync.WaitGroup
	for w := range uint64(workers) {
		wg.Go(func() { e.register(w*n/workers+1, (w+1)*n/workers) })
	}
	wg.Wait()
	all := map[uint64]string{}
	for c := uint64(1); c <= n; c++ {
		all[c] = user(c)
	}
	r.follows(all)
	e.verified(1, all)
	if e.hub.wrong > 0 {
		t.Errorf("%d sessions got another user's heads", e.hub.wrong)
	}
	// A second router is filled by a dump in many parts.
	r2 := e.router("r2", 1, nil)
	r2.follows(all)
	e.verified(2, all)
}

// While NATS is away sessions come and go; afterwards routers know exactly
// those that are left, and each gets its heads anew.
func TestReconnect(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	all := e.register(1, 50)
	e.verified(1, all)
	before := e.hub.total()
	e.srv.Restart(func() {
		eventually(t, e.link.Degraded, func() any { return "not degraded" })
		for c := uint64(1); c <= 10; c++ {
			e.link.Unregister(c)
			delete(all, c)
		}
		for c, u := range e.register(51, 60) {
			all[c] = u
		}
		e.link.Register(session(1000))
		e.link.Unregister(1000)
		if got := e.hub.total(); got != before {
			t.Errorf("heads came while NATS was away")
		}
	})
	r.follows(all)
	eventually(t, func() bool { return !e.link.Degraded() }, func() any { return "degraded" })
	for c := range all {
		if c > 50 {
			continue
		}
		e.verified(2, map[uint64]string{c: user(c)})
	}
	e.verified(1, all)
	if got := metrictest.Value(t, e.reg, "hawser_edgelink_resyncs_total", "reconnect"); got < 1 {
		t.Errorf("%v resyncs", got)
	}
	if e.hub.backs.Load() < 1 {
		t.Error("the sessions did not hear that NATS is back")
	}
}

// What neither count nor checksum shows is told anew as well.
func TestReconnectTellsTheBackground(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	all := e.register(1, 2)
	r.follows(all)
	e.srv.Restart(func() {
		eventually(t, e.link.Degraded, func() any { return "not degraded" })
		s := session(1)
		s.Background = true
		e.link.Register(s)
	})
	eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.sessions[1].GetBackground()
	}, func() any { return "not in the background" })
	r.follows(all)
}

// The edge may start before NATS does.
func TestStartWithoutNATS(t *testing.T) {
	srv := natstest.Run(t)
	url := srv.URL()
	e := &env{t: t, srv: srv, hub: newHub()}
	var all map[uint64]string
	srv.Restart(func() {
		nc, err := nats.Connect(url, append(routing.ConnectOptions(routing.RoleEdge, "e1"), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectJitter(0, 0))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		e.run(edgelink.Config{Edge: "e1", Incarnation: incarnation, Conn: nc, Handler: e.hub, Timing: timing})
		all = e.register(1, 5)
	})
	r := e.router("r1", 1, nil)
	r.follows(all)
	e.verified(1, all)
}

// A router's new process has none of the old one's sessions.
func TestRouterIsReplaced(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	all := e.register(1, 5)
	e.verified(1, all)
	r.do(func() { r.silent, r.mute, r.deaf = true, true, 1<<30 })
	again := e.router("r1", 2, nil)
	again.follows(all)
	e.verified(2, all)
}

func TestSabotagedBatches(t *testing.T) {
	var mu sync.Mutex
	drop := true
	e := start(t, func(c *edgelink.Config) {
		c.DropBatch = func() bool { mu.Lock(); defer mu.Unlock(); return drop }
	})
	r := e.router("r1", 1, nil)
	e.register(1, 5)
	e.unverified()
	mu.Lock()
	drop = false
	mu.Unlock()
	told := e.register(6, 9)
	r.follows(told)
	r.do(r.askDump)
	eventually(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.dumps == 2 }, func() any { return "no dump" })
	r.follows(told)
	e.verified(1, told)
	e.link.Unregister(1)
	e.srv.Restart(nil)
	e.verified(2, told)
	r.follows(told)
	if n := e.hub.count(2); n != 0 {
		t.Errorf("a session that was never told of got heads")
	}
}

// What ended last is told before Run returns.
func TestEndIsTold(t *testing.T) {
	e := start(t, nil)
	r := e.router("r1", 1, nil)
	r.follows(e.register(1, 5))
	for c := uint64(1); c <= 5; c++ {
		e.link.Unregister(c)
	}
	e.stop()
	r.follows(map[uint64]string{})
}

// The edge has no JetStream; that nothing else is missing every other test
// shows, for the permissions are in force in all of them.
func TestEdgeHasNoJetStream(t *testing.T) {
	srv := natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: "e1"}, routing.User{Role: routing.RoleRouter, Label: "r1"})
	srv.JetStream("r1", routing.StreamOptions{})
	js, err := jetstream.New(srv.Conn(routing.RoleEdge, "e1", nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
	defer cancel()
	if _, err := js.Stream(ctx, routing.StreamInbox); err == nil {
		t.Error("an edge may ask about a stream")
	}
}
