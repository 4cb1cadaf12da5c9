package cells_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/cells"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// What two edges see of a network adds up, and each of them hears the sum, and
// so does one that comes later.
func TestEdgesShare(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	startRouter(t, srv, "r1", nil)
	startRouter(t, srv, "r2", nil)
	one, two := startEdge(t, srv, "e1", nil), startEdge(t, srv, "e2", nil)
	home, parent := network(1), heartbeat.Path{Transport: heartbeat.QUIC, Radio: heartbeat.WiFi}
	one.saw(home, 40)
	two.saw(home, 2)
	two.saw(parent, 7)
	for _, e := range []*edge{one, two} {
		eventually(t, "an edge hears both sums", func() bool { return about(e.knows(home), 42) && about(e.knows(parent), 7) })
	}
	one.saw(home, 8)
	three := startEdge(t, srv, "e3", nil)
	eventually(t, "a new edge hears the sum", func() bool { return about(three.knows(home), 50) })
}

// A new edge hears of everything there is, in several pages.
func TestPages(t *testing.T) {
	t.Parallel()
	const all = 600
	srv := natstest.Run(t, users()...)
	startRouter(t, srv, "r1", nil)
	one := startEdge(t, srv, "e1", nil)
	for _, p := range networks(1, all) {
		one.saw(p, 3)
	}
	eventually(t, "the edge hears of all that it saw", func() bool { return one.toldOf() == all })
	two := startEdge(t, srv, "e2", func(c *cells.SharerConfig) { c.Every = time.Hour })
	eventually(t, "a new edge hears of all in its first round", func() bool { return two.toldOf() == all })
}

// A batch counts once, though the router that merged it could not say so, and
// another one is asked.
func TestBatchCountsOnce(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	line := natstest.NewLossyLine(t, strings.TrimPrefix(srv.URL(), "nats://"))
	first := runRouter(t, dial(t, line, "r1"), "r1", nil)
	eventually(t, "r1 reads the bucket", first.Ready)
	second := startRouter(t, srv, "r2", nil)
	line.Lose(func(fromServer bool, subject string) bool {
		return !fromServer && strings.HasPrefix(subject, routing.InboxPrefix(routing.RoleEdge, "e1"))
	})
	one := startEdge(t, srv, "e1", func(c *cells.SharerConfig) {
		c.Router = func(besides string) string {
			if besides == "r1" {
				return "r2"
			}
			return "r1"
		}
	})
	for _, p := range networks(1, 20) {
		one.saw(p, 5)
	}
	eventually(t, "the second router is asked", func() bool {
		return metrictest.Value(t, second.reg, "hawser_cells_deltas_total", "repeated") == 20
	})
	kv := bucket(t, second.nc)
	for _, p := range networks(1, 20) {
		if got := stored(t, kv, p); !about(got, 5) {
			t.Fatalf("%v connections were added up, 5 were seen", got)
		}
	}
}

// Routers come and go in the middle of it, and two of them write the same
// cells: everything counts, once.
func TestRoutersComeAndGo(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	steady := startRouter(t, srv, "r2", nil)
	edges := []*edge{startEdge(t, srv, "e1", nil), startEdge(t, srv, "e2", nil), startEdge(t, srv, "e3", nil)}
	for range 4 {
		nc := srv.Conn(routing.RoleRouter, "r1")
		r := runRouter(t, nc, "r1", nil)
		for range 5 {
			for _, e := range edges {
				for _, p := range networks(1, 30) {
					e.saw(p, 1)
				}
			}
			time.Sleep(20 * time.Millisecond) // not waited for: so that there are several batches
		}
		eventually(t, "the router is asked", func() bool { return metrictest.Value(t, r.reg, "hawser_cells_requests_total", "answered") > 0 })
		nc.Close() // in the middle, like a kill
		r.stop()
	}
	kv := bucket(t, steady.nc)
	for _, p := range networks(1, 30) {
		eventually(t, "all is added up", func() bool { return about(stored(t, kv, p), 4*5*3) })
	}
}

// Two routers that write the same cells at once lose nothing of each other's.
func TestContention(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	r := startRouter(t, srv, "r1", nil)
	startRouter(t, srv, "r2", nil)
	const batches, cells = 12, 20
	var all sync.WaitGroup
	for _, name := range []string{"e1", "e2", "e3"} {
		nc := srv.Conn(routing.RoleEdge, name, routing.ConnectOptions(routing.RoleEdge, name)...)
		all.Go(func() {
			for n := range batches {
				rest := deltas(networks(1, cells), 1)
				for len(rest) > 0 {
					resp := request(t, nc, name, &linkpb.CellsRequest{Incarnation: 1, Batch: uint64(n + 1), Deltas: rest})
					var later []*linkpb.Cell
					for i, f := range resp.GetFates() {
						if f == linkpb.CellsResponse_FATE_LATER {
							later = append(later, rest[i])
						}
					}
					rest = later
				}
			}
		})
	}
	all.Wait()
	kv := bucket(t, r.nc)
	for _, p := range networks(1, cells) {
		if got := stored(t, kv, p); !about(got, 3*batches) {
			t.Errorf("%v connections were added up, %d were seen", got, 3*batches)
		}
	}
}

// Without NATS an edge goes on, and shares afterwards what it saw meanwhile.
func TestStoreAway(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	startRouter(t, srv, "r1", nil)
	one, two := startEdge(t, srv, "e1", nil), startEdge(t, srv, "e2", nil)
	one.saw(network(1), 3)
	eventually(t, "the second edge hears the sum", func() bool { return about(two.knows(network(1)), 3) })
	srv.Restart(func() {
		one.saw(network(1), 4)
		one.saw(network(2), 5)
		eventually(t, "the edge tries", func() bool { return metrictest.Value(t, one.reg, "hawser_cellshare_failures_total") > 0 })
	})
	eventually(t, "the second edge hears the rest", func() bool { return about(two.knows(network(1)), 7) && about(two.knows(network(2)), 5) })
}

// A bucket that was deleted is made anew with what a router knew, and edges
// follow the new one.
func TestBucketDeleted(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, append(users(), routing.User{Role: routing.RoleOperator, Label: "alice"})...)
	r1, r2 := startRouter(t, srv, "r1", nil), startRouter(t, srv, "r2", nil)
	one := startEdge(t, srv, "e1", nil)
	for _, p := range networks(1, 300) {
		one.saw(p, 2)
	}
	eventually(t, "all is shared", func() bool { return one.toldOf() == 300 })
	deleteBucket(t, srv)
	eventually(t, "the bucket is back", func() bool {
		return metrictest.Value(t, r1.reg, "hawser_cells_refilled_total")+metrictest.Value(t, r2.reg, "hawser_cells_refilled_total") == 300
	})
	one.saw(network(7), 3)
	two := startEdge(t, srv, "e2", nil)
	eventually(t, "a new edge hears of all", func() bool { return two.toldOf() == 300 && about(two.knows(network(7)), 5) })
	eventually(t, "the old edge follows the new bucket", func() bool { return about(one.knows(network(7)), 5) })
}

// Servers of a cluster, and a leader that goes.
func TestCluster(t *testing.T) {
	t.Parallel()
	srvs := natstest.RunCluster(t, 3, users()...)
	replicas := func(c *cells.KeeperConfig) { c.Streams.Replicas = 3 }
	r := startRouter(t, srvs[0], "r1", replicas)
	startRouter(t, srvs[1], "r2", replicas)
	kv := bucket(t, r.nc)
	one, two := startEdge(t, srvs[0], "e1", nil), startEdge(t, srvs[1], "e2", nil)
	for _, p := range networks(1, 50) {
		one.saw(p, 3)
		two.saw(p, 4)
	}
	srvs[2].Shutdown()
	for _, p := range networks(1, 50) {
		eventually(t, "all is added up", func() bool { return about(stored(t, kv, p), 7) })
	}
}

// An edge is believed as much as its sessions can have seen, and no more than
// its part of a network.
func TestStolenEdge(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	now := time.Now() // stands still: an edge earns more with each second
	r := startRouter(t, srv, "r1", func(c *cells.KeeperConfig) {
		c.Sessions = func(string) int { return 10 }
		c.Now = func() time.Time { return now }
	})
	nc := srv.Conn(routing.RoleEdge, "e1", routing.ConnectOptions(routing.RoleEdge, "e1")...)
	kv := bucket(t, r.nc)
	// An hour has 144 times 25 s, and an edge at least 100 sessions.
	resp := request(t, nc, "e1", &linkpb.CellsRequest{Incarnation: 1, Batch: 1, Deltas: deltas(networks(1, 100), 1000)})
	if got := fates(resp); got != "57 43 0" {
		t.Errorf("merged, refused and later are %s, want 57 43 0", got)
	}
	sum, most := 0.0, 0.0
	for _, p := range networks(1, 100) {
		w := stored(t, kv, p)
		sum, most = sum+w, max(most, w)
	}
	if !about(sum, 14400) || !about(most, 256) {
		t.Errorf("the edge was believed %v connections, %v of one network; want 14400 and 256", sum, most)
	}
}

// Deltas that nobody could have made are refused, and change nothing.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	r := startRouter(t, srv, "r1", nil)
	nc := srv.Conn(routing.RoleEdge, "e1", routing.ConnectOptions(routing.RoleEdge, "e1")...)
	bad := []*linkpb.Cell{
		{}, {Network: "tcp.wifi.all"}, {Network: "tcp.wifi.all", Snapshot: []byte("x")},
		{Network: "tcp.wifi.all", Snapshot: make([]byte, heartbeat.MaxSnapshot+1)},
		{Network: "../../etc", Snapshot: evidence(time.Now(), 1)},
		{Network: "tcp.wifi.*", Snapshot: evidence(time.Now(), 1)},
		{Network: strings.Repeat("a", 100_000), Snapshot: evidence(time.Now(), 1)},
	}
	resp := request(t, nc, "e1", &linkpb.CellsRequest{Incarnation: 1, Batch: 1, Deltas: bad})
	if got := fates(resp); got != "0 7 0" {
		t.Errorf("merged, refused and later are %s, want 0 7 0", got)
	}
	if got := metrictest.Value(t, r.reg, "hawser_cells_deltas_total", "unreadable"); got != 7 {
		t.Errorf("%v were counted unreadable, want 7", got)
	}
	// What an edge said in an earlier life does not count any more.
	request(t, nc, "e1", &linkpb.CellsRequest{Incarnation: 5, Batch: 1, Deltas: deltas(networks(1, 1), 3)})
	resp = request(t, nc, "e1", &linkpb.CellsRequest{Incarnation: 4, Batch: 9, Deltas: deltas(networks(1, 1), 3)})
	if got := fates(resp); got != "0 1 0" {
		t.Errorf("merged, refused and later are %s, want 0 1 0", got)
	}
	if got := stored(t, bucket(t, r.nc), network(1)); !about(got, 3) {
		t.Errorf("the sum is %v, want 3", got)
	}
}

// A date from a clock that is off ages nothing.
func TestClocksDiffer(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	r := startRouter(t, srv, "r1", nil)
	for i, off := range []time.Duration{-time.Hour * 24 * 365, 0, time.Hour * 24 * 365 * 70} {
		e := startEdge(t, srv, []string{"e1", "e2", "e3"}[i], func(c *cells.SharerConfig) {
			c.Now = func() time.Time { return time.Now().Add(off) }
		})
		e.saw(network(1), 10)
	}
	kv := bucket(t, r.nc)
	eventually(t, "all is added up", func() bool { return about(stored(t, kv, network(1)), 30) })
}
