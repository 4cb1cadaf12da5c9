package cells_test

import (
	"crypto/rand"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/cells"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

func dial(t *testing.T, line *natstest.Line, name string) *nats.Conn {
	t.Helper()
	opts := append(routing.ConnectOptions(routing.RoleRouter, name), nats.UserInfo(routing.UserName(routing.RoleRouter, name), natstest.Password))
	nc, err := nats.Connect(line.URL(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return nc
}

func deleteBucket(t *testing.T, srv *natstest.Server) {
	t.Helper()
	nc := srv.Conn(routing.RoleOperator, "alice", nats.CustomInboxPrefix(routing.InboxPrefix(routing.RoleOperator, "alice")))
	if _, err := nc.Request("$JS.API.STREAM.DELETE."+routing.StreamCells, nil, 30*time.Second); err != nil {
		t.Fatal(err)
	}
}

// value is what a router would have stored.
func value(t *testing.T, at time.Time, connections int) []byte {
	t.Helper()
	b, err := proto.Marshal(&linkpb.StoredCell{Snapshot: evidence(at, connections)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// A bucket full of garbage: it is counted and ignored, and what is hawser's
// still works, where a cell was overwritten too.
func TestGarbage(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	r := startRouter(t, srv, "r1", nil)
	one := startEdge(t, srv, "e1", nil)
	one.saw(network(1), 3)
	eventually(t, "it is shared", func() bool { return about(one.knows(network(1)), 3) })
	kv := bucket(t, r.nc)
	put := func(key string, value []byte) {
		t.Helper()
		if _, err := kv.Put(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	noise := make([]byte, 1000)
	_, _ = rand.Read(noise)
	for i := range 200 {
		put(fmt.Sprintf("garbage.%d", i), noise)
		put(routing.CellKey(fmt.Sprintf("tcp.wifi.%d", i)), noise)
	}
	put(routing.CellKey(network(1).Key()), noise)
	put(routing.CellKey(network(2).Key()), noise)
	put(routing.CellKey(network(3).Key()), make([]byte, cells.MaxValue+1))
	put(routing.CellKey(network(4).Key()), value(t, time.Now().Add(1000*time.Hour), 5))
	eventually(t, "garbage is counted", func() bool {
		return metrictest.Value(t, r.reg, "hawser_cells_garbage_total", "key") == 400 && metrictest.Value(t, r.reg, "hawser_cells_garbage_total", "value") == 4
	})
	for _, p := range networks(1, 4) {
		one.saw(p, 7)
	}
	two := startEdge(t, srv, "e2", nil)
	for i, want := range []float64{10, 7, 7, 7} { // of the first a router knew what had been there
		eventually(t, "a new edge hears what is no garbage", func() bool { return about(two.knows(network(i+1)), want) })
	}
	// A router that begins now finds the rest of it.
	again := startRouter(t, srv, "r2", nil)
	if keys := metrictest.Value(t, again.reg, "hawser_cells_garbage_total", "key"); keys != 400 {
		t.Errorf("%v keys were counted, want 400", keys)
	}
}

// More networks than there is room for: new ones push out those of which
// nothing was heard for longest, but none of today's.
func TestManyNetworks(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	few := func(c *cells.KeeperConfig) { c.Networks = 100 }
	r := startRouter(t, srv, "r1", few)
	kv := bucket(t, r.nc)
	for n := 1; n <= 250; n++ {
		at := time.Now().Add(-48 * time.Hour)
		if n > 200 {
			at = time.Now()
		}
		if _, err := kv.Create(t.Context(), routing.CellKey(network(n).Key()), value(t, at, 5)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the router heard of all", func() bool { return metrictest.Value(t, r.reg, "hawser_cells_surplus_total") == 150 })
	if got := metrictest.Value(t, r.reg, "hawser_cells_networks"); got != 100 {
		t.Fatalf("the router knows of %v networks, want 100", got)
	}
	nc := srv.Conn(routing.RoleEdge, "e1", routing.ConnectOptions(routing.RoleEdge, "e1")...)
	resp := request(t, nc, "e1", &linkpb.CellsRequest{Incarnation: 1, Batch: 1, Deltas: deltas(networks(1001, 1200), 1)})
	merged, refused := 0, 0
	for _, f := range resp.GetFates() {
		switch f {
		case linkpb.CellsResponse_FATE_MERGED:
			merged++
		case linkpb.CellsResponse_FATE_REFUSED:
			refused++
		}
	}
	if merged < 50 || refused < 100 || merged+refused != 200 {
		t.Errorf("%d new networks were taken and %d refused: there is room for 50", merged, refused)
	}
	for n := 201; n <= 250; n++ {
		if stored(t, kv, network(n)) == 0 {
			t.Fatalf("network %d of today was pushed out", n)
		}
	}
}

// An edge that asks without end is not answered, and others are.
func TestTooManyRequests(t *testing.T) {
	t.Parallel()
	srv := natstest.Run(t, users()...)
	r := startRouter(t, srv, "r1", nil)
	nc := srv.Conn(routing.RoleEdge, "e1", routing.ConnectOptions(routing.RoleEdge, "e1")...)
	if err := nc.Publish(routing.CellsSubject("e1"), nil); err != nil { // no reply
		t.Fatal(err)
	}
	eventually(t, "requests are refused", func() bool {
		for range 100 {
			if err := nc.PublishRequest(routing.CellsSubject("e1"), routing.InboxPrefix(routing.RoleEdge, "e1")+".x", []byte("noise")); err != nil {
				t.Fatal(err)
			}
		}
		return metrictest.Value(t, r.reg, "hawser_cells_requests_total", "too_many") > 0
	})
	two := startEdge(t, srv, "e2", nil)
	two.saw(network(1), 3)
	eventually(t, "another edge is heard", func() bool { return about(two.knows(network(1)), 3) })
}
