package backlog

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// at is a mover's clock.
func at(seconds int) time.Time { return time.Unix(1_000_000+int64(seconds), 0) }

func TestWhatStandsStill(t *testing.T) {
	still := func() (*jetstream.ConsumerInfo, *jetstream.StreamInfo) {
		c := &jetstream.ConsumerInfo{
			Config:    jetstream.ConsumerConfig{MaxAckPending: 10},
			Delivered: jetstream.SequenceInfo{Stream: 7}, NumWaiting: 1, NumAckPending: 3,
			Cluster: &jetstream.ClusterInfo{Leader: "n1", Replicas: []*jetstream.PeerInfo{{Name: "n2"}}},
		}
		s := &jetstream.StreamInfo{State: jetstream.StreamState{LastSeq: 9}, Cluster: &jetstream.ClusterInfo{Leader: "n2"}}
		return c, s
	}
	for name, test := range map[string]struct {
		change func(*jetstream.ConsumerInfo, *jetstream.StreamInfo)
		stands bool
	}{
		"messages wait and are asked for": {func(*jetstream.ConsumerInfo, *jetstream.StreamInfo) {}, true},
		"the log goes on":                 {func(_ *jetstream.ConsumerInfo, s *jetstream.StreamInfo) { s.State.LastSeq = 99 }, true},
		"old ones are handed out again":   {func(c *jetstream.ConsumerInfo, _ *jetstream.StreamInfo) { c.Delivered.Consumer = 99 }, true},
		"all was handed out":              {func(_ *jetstream.ConsumerInfo, s *jetstream.StreamInfo) { s.State.LastSeq = 7 }, false},
		"nobody asks":                     {func(c *jetstream.ConsumerInfo, _ *jetstream.StreamInfo) { c.NumWaiting = 0 }, false},
		"too many are open":               {func(c *jetstream.ConsumerInfo, _ *jetstream.StreamInfo) { c.NumAckPending = 10 }, false},
		"an operator paused it":           {func(c *jetstream.ConsumerInfo, _ *jetstream.StreamInfo) { c.Paused = true }, false},
		"there is one server":             {func(c *jetstream.ConsumerInfo, _ *jetstream.StreamInfo) { c.Cluster = nil }, false},
		"there is one replica":            {func(c *jetstream.ConsumerInfo, _ *jetstream.StreamInfo) { c.Cluster.Replicas = nil }, false},
	} {
		m := &mover{}
		c, s := still()
		test.change(c, s)
		if got := m.stands(c, s, at(0)); got != test.stands {
			t.Errorf("%s: it stands still: %v", name, got)
		}
	}

	m := &mover{}
	for second, change := range map[int]func(*jetstream.ConsumerInfo){
		2: func(*jetstream.ConsumerInfo) {},
		4: func(c *jetstream.ConsumerInfo) { c.Delivered.Stream++ },
		6: func(c *jetstream.ConsumerInfo) { c.Cluster.Leader = "n3" },
	} {
		m.since, m.at = at(0), position{"n1", 7}
		c, s := still()
		change(c)
		m.stands(c, s, at(second))
		if begins := m.since.Equal(at(second)); begins != (second > 2) {
			t.Errorf("after the change at %d s it stands since %v", second, m.since)
		}
	}
}

// What one router had moved the others leave alone for as long: else each of
// them would have it moved again, before its new leader gets to work. A leader
// that died is no such move.
func TestRoutersDoNotMoveInTurns(t *testing.T) {
	look := func(m *mover, second int, leader string, waiting int) {
		m.stands(&jetstream.ConsumerInfo{
			Config:    jetstream.ConsumerConfig{MaxAckPending: 10},
			Delivered: jetstream.SequenceInfo{Stream: 7}, NumWaiting: waiting,
			Cluster: &jetstream.ClusterInfo{Leader: leader, Replicas: []*jetstream.PeerInfo{{Name: "n2"}}},
		}, &jetstream.StreamInfo{State: jetstream.StreamState{LastSeq: 9}, Cluster: &jetstream.ClusterInfo{Leader: "n2"}}, at(second))
	}
	for _, waiting := range []int{0, 1} { // a new leader is not asked for anything yet
		m := &mover{}
		for _, second := range []int{0, 2, 4} {
			look(m, second, "n1", 1)
		}
		look(m, 6, "n2", waiting)
		if look(m, 8, "n2", 1); !m.movedAt.Equal(at(6)) {
			t.Errorf("another router had it moved, and this one's last move is %v", m.movedAt)
		}
	}
	m := &mover{}
	look(m, 0, "n1", 1)
	if look(m, 8, "n2", 1); !m.movedAt.IsZero() {
		t.Error("an election is taken for a move")
	}
}

// A consumer that hands out nothing of what waits, which shows to a watcher as
// a replica that hangs does: who asks wants none unless many more wait.
func TestStandingConsumerIsMoved(t *testing.T) {
	servers := natstest.RunCluster(t, 3, routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RoleOperator, Label: "o"})
	nc := servers[0].Conn(routing.RoleRouter, "r1")
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := routing.EnsureStreams(ctx, js, routing.StreamOptions{Replicas: 3, InboxMaxBytes: 64 << 20, PushMaxBytes: 64 << 20, EventsMaxBytes: 64 << 20, DevicesMaxBytes: 64 << 20}); err != nil {
		t.Fatal(err)
	}
	stands(t, ctx, js, servers[0])
	var log bytes.Buffer
	var m *mover
	for _, m = range newMovers(js, slog.New(slog.NewTextHandler(&log, nil)), prometheus.NewRegistry()) {
		if m.stream == routing.StreamInbox {
			break
		}
	}
	look := func(second int) {
		t.Helper()
		for ctx.Err() == nil { // between two leaders nobody answers
			if err := m.look(ctx, at(second)); err == nil {
				return
			}
		}
		t.Fatal(ctx.Err())
	}
	look(0)
	look(5)
	if n := testutil.ToFloat64(m.moves); n != 0 {
		t.Fatalf("moved %v times while it may be an election", n)
	}
	before := m.at.leader
	look(6)
	if n := testutil.ToFloat64(m.moves); n != 1 || !strings.Contains(log.String(), before) {
		t.Fatalf("moved %v times: %s", n, log.String())
	}
	awaitLeader(t, ctx, js, func(leader string) bool { return leader != "" && leader != before })
	look(10)
	look(20)
	if n := testutil.ToFloat64(m.moves); n != 1 {
		t.Errorf("moved %v times within %v", n, moveEvery)
	}
	look(37)
	if n := testutil.ToFloat64(m.moves); n != 2 {
		t.Errorf("it goes on standing still, and was moved %v times", n)
	}

	// Where what waited is deleted nothing stands still.
	awaitLeader(t, ctx, js, func(leader string) bool { return leader != "" })
	s, err := js.Stream(ctx, routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	for state := s.CachedInfo().State; state.FirstSeq <= state.LastSeq; state.FirstSeq++ {
		if err := s.DeleteMsg(ctx, state.FirstSeq); err != nil {
			t.Fatal(err)
		}
	}
	look(100)
	look(107)
	if n := testutil.ToFloat64(m.moves); n != 2 {
		t.Errorf("the log is empty, and the consumer was moved, %v times in all", n)
	}
}

// stands has events wait, and somebody ask for them in vain.
func stands(t *testing.T, ctx context.Context, js jetstream.JetStream, s *natstest.Server) {
	t.Helper()
	operator, err := jetstream.New(s.Conn(routing.RoleOperator, "o"))
	if err != nil {
		t.Fatal(err)
	}
	c, err := operator.Consumer(ctx, routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		t.Fatal(err)
	}
	cfg := c.CachedInfo().Config
	cfg.PriorityPolicy, cfg.PriorityGroups = jetstream.PriorityPolicyOverflow, []string{"some"}
	if err := operator.DeleteConsumer(ctx, routing.StreamInbox, routing.ConsumerRouters); err != nil {
		t.Fatal(err)
	}
	if c, err = operator.CreateConsumer(ctx, routing.StreamInbox, cfg); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := js.Publish(ctx, routing.InboxSubject("demo", "alice", "messages"), []byte("item")); err != nil {
			t.Fatal(err)
		}
	}
	consume, err := c.Consume(func(jetstream.Msg) { t.Error("an event was handed out") }, jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(time.Second),
		jetstream.PullPriorityGroup("some"), jetstream.PullMinPending(1000))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(consume.Stop)
	awaitLeader(t, ctx, js, func(string) bool { return true })
}

// awaitLeader waits until a server leads the consumer for which is is true, and
// somebody asks that one for events.
func awaitLeader(t *testing.T, ctx context.Context, js jetstream.JetStream, is func(string) bool) {
	t.Helper()
	for ctx.Err() == nil {
		once, cancel := context.WithTimeout(ctx, time.Second) // between two leaders nobody answers
		c, err := js.Consumer(once, routing.StreamInbox, routing.ConsumerRouters)
		cancel()
		// A server that knows of no leader yet may answer without a word of the cluster.
		if err == nil && c.CachedInfo().Cluster != nil && is(c.CachedInfo().Cluster.Leader) && c.CachedInfo().NumWaiting > 0 {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("within a minute nobody led the consumer who should, or nobody asked for events")
}
