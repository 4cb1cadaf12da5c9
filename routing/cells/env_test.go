package cells_test

import (
	"context"
	"fmt"
	"math"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/cells"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

func users() (all []routing.User) {
	for _, e := range []string{"e1", "e2", "e3"} {
		all = append(all, routing.User{Role: routing.RoleEdge, Label: e})
	}
	for _, r := range []string{"r1", "r2"} {
		all = append(all, routing.User{Role: routing.RoleRouter, Label: r})
	}
	return all
}

// router is a keeper that runs.
type router struct {
	*cells.Keeper
	nc   *nats.Conn
	reg  *prometheus.Registry
	stop func()
}

func runRouter(t *testing.T, nc *nats.Conn, name string, change func(*cells.KeeperConfig)) *router {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	r := &router{nc: nc, reg: prometheus.NewRegistry()}
	cfg := cells.KeeperConfig{Router: name, Conn: nc, JS: js, Registerer: r.reg}
	if change != nil {
		change(&cfg)
	}
	if r.Keeper, err = cells.NewKeeper(cfg); err != nil {
		t.Fatal(err)
	}
	r.stop = run(t, r.Keeper.Run)
	return r
}

// startRouter runs a keeper and waits until it has read the bucket.
func startRouter(t *testing.T, srv *natstest.Server, name string, change func(*cells.KeeperConfig)) *router {
	t.Helper()
	r := runRouter(t, srv.Conn(routing.RoleRouter, name), name, change)
	eventually(t, name+" reads the bucket", r.Ready)
	return r
}

func run(t *testing.T, f func(context.Context) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := f(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

// edge shares what its notes say.
type edge struct {
	*notes
	reg  *prometheus.Registry
	stop func()
}

func startEdge(t *testing.T, srv *natstest.Server, name string, change func(*cells.SharerConfig)) *edge {
	t.Helper()
	e := &edge{notes: newNotes(), reg: prometheus.NewRegistry()}
	cfg := cells.SharerConfig{
		Edge: name, Incarnation: 1, Learner: e.notes, Every: 200 * time.Millisecond,
		AskWait: time.Second, Registerer: e.reg,
	}
	if change != nil {
		change(&cfg)
	}
	if cfg.Conn == nil {
		cfg.Conn = srv.Conn(routing.RoleEdge, name, routing.ConnectOptions(routing.RoleEdge, name)...)
	}
	s, err := cells.NewSharer(cfg)
	if err != nil {
		t.Fatal(err)
	}
	e.stop = run(t, s.Run)
	return e
}

// notes are an edge's learner that only adds up: what it saw, and what it was
// told.
type notes struct {
	mu sync.Mutex
	// Guarded by mu.
	fresh map[heartbeat.Path]int
	told  map[heartbeat.Path]float64
}

var _ cells.Learner = (*notes)(nil)

func newNotes() *notes {
	return &notes{fresh: map[heartbeat.Path]int{}, told: map[heartbeat.Path]float64{}}
}

// saw adds connections that showed something of a network.
func (n *notes) saw(p heartbeat.Path, connections int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fresh[p] += connections
}

func (n *notes) knows(p heartbeat.Path) float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.told[p]
}

func (n *notes) toldOf() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.told)
}

func (n *notes) Unshared(dst []heartbeat.Path, limit int) []heartbeat.Path {
	n.mu.Lock()
	defer n.mu.Unlock()
	for p := range n.fresh {
		if len(dst) < limit {
			dst = append(dst, p)
		}
	}
	return dst
}

func (n *notes) Export(now time.Time, p heartbeat.Path) ([]byte, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	c := n.fresh[p]
	delete(n.fresh, p)
	return evidence(now, c), c > 0
}

func (n *notes) Import(_ time.Time, p heartbeat.Path, snapshot []byte) error {
	w, err := heartbeat.Weigh(snapshot)
	if err != nil {
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.told[p] = w.Tested
	return nil
}

// evidence is a snapshot of that many connections, which all kept 240 s.
func evidence(now time.Time, connections int) []byte {
	l, p := heartbeat.NewLearner(now, heartbeat.Options{}), network(0)
	for i := range connections {
		v := l.Open(now, heartbeat.Arrival{Path: p, Peer: heartbeat.Peer{Device: uint64(i + 1)}, State: heartbeat.State{Background: true}})
		l.Probed(now, &v, 240*time.Second)
		l.Heard(now, &v, time.Second)
		l.Closed(now, &v, heartbeat.EndOther, 0)
	}
	delta, _ := l.Export(now, p)
	return delta
}

func network(n int) heartbeat.Path {
	return heartbeat.Path{
		Transport: heartbeat.TCP, Radio: heartbeat.Cell4G,
		Network: heartbeat.Network{1, byte(n >> 16), byte(n >> 8), byte(n)},
	}
}

func bucket(t *testing.T, nc *nats.Conn) jetstream.KeyValue {
	t.Helper()
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.KeyValue(t.Context(), routing.BucketCells)
	if err != nil {
		t.Fatal(err)
	}
	return kv
}

// stored is what the bucket's sum of a network weighs.
func stored(t *testing.T, kv jetstream.KeyValue, p heartbeat.Path) float64 {
	t.Helper()
	e, err := kv.Get(t.Context(), routing.CellKey(p.Key()))
	if err != nil {
		return 0
	}
	var c linkpb.StoredCell
	if err := proto.Unmarshal(e.Value(), &c); err != nil {
		t.Fatal(err)
	}
	w, err := heartbeat.Weigh(c.GetSnapshot())
	if err != nil {
		t.Fatal(err)
	}
	return w.Tested
}

// about is equal but for what has aged during the test.
func about(got, want float64) bool { return math.Abs(got-want) <= 0.01*want }

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("did not happen within a minute: %s", what)
		}
	}
}

func request(t *testing.T, nc *nats.Conn, name string, req *linkpb.CellsRequest) *linkpb.CellsResponse {
	t.Helper()
	data, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	m, err := nc.Request(routing.CellsSubject(name), data, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var resp linkpb.CellsResponse
	if err := proto.Unmarshal(m.Data, &resp); err != nil {
		t.Fatal(err)
	}
	if resp.GetError() != "" {
		t.Fatal(resp.GetError())
	}
	return &resp
}

func deltas(paths []heartbeat.Path, connections int) (all []*linkpb.Cell) {
	for _, p := range paths {
		all = append(all, &linkpb.Cell{Network: p.Key(), Snapshot: evidence(time.Now(), connections)})
	}
	return all
}

func networks(first, last int) (all []heartbeat.Path) {
	for n := first; n <= last; n++ {
		all = append(all, network(n))
	}
	return all
}

func fates(resp *linkpb.CellsResponse) string {
	count := map[linkpb.CellsResponse_Fate]int{}
	for _, f := range resp.GetFates() {
		count[f]++
	}
	return fmt.Sprint(count[linkpb.CellsResponse_FATE_MERGED], count[linkpb.CellsResponse_FATE_REFUSED], count[linkpb.CellsResponse_FATE_LATER])
}
