package publish_test

import (
	"testing"
	"time"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/publish"
)

// With replicas the server checks ids and expectations in another order than
// alone, replicas answer reads, and leaders go away: the same promises hold.
func TestReplicas(t *testing.T) {
	if testing.Short() {
		t.Skip("elects leaders for some seconds")
	}
	servers := natstest.RunCluster(t, 3, routing.User{Role: routing.RoleRouter, Label: "r1"})
	r := clustered(t, servers[0].URL()+","+servers[1].URL()+","+servers[2].URL())
	checkNumbering(t, r)
	checkReads(t, r, r.reader)
	checkLeaderLost(t, r, servers)
}

func checkNumbering(t *testing.T, r *rig) {
	t.Helper()
	a := r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", ID: "x"})
	if again := r.must(t, "acme", publish.Request{User: "u1", Kind: "messages", ID: "x"}); again.Version != a.Version || !again.Duplicate {
		t.Errorf("repeat got %+v, want %d", again, a.Version)
	}
	r.must(t, "acme", order("u1", 5, "a"))
	r.must(t, "acme", order("u1", 9, "b"))
	for _, version := range []int64{5, 12} {
		if res := r.must(t, "acme", order("u1", version, "a")); res.Version != 5 || !res.Duplicate {
			t.Errorf("repeat with version %d got %+v", version, res)
		}
	}
	r.refuse(t, "acme", order("u1", 8, "new"), connect.CodeFailedPrecondition, "already at 9")
	if res := r.must(t, "acme", order("u1", 9, "")); res.Version != 9 || !res.Duplicate {
		t.Errorf("the head again got %+v", res)
	}
}

// checkReads reads each event right after it was stored, from any replica.
func checkReads(t *testing.T, r *rig, reader *inbox.Reader) {
	t.Helper()
	since := int64(0)
	for range 100 {
		res := r.must(t, "acme", publish.Request{User: "u2", Kind: "messages"})
		heads, err := reader.Heads(t.Context(), []inbox.User{{Tenant: "acme", User: "u2"}}, uint64(res.Version))
		if err != nil || len(heads[0]) != 1 || heads[0][0].Version != res.Version {
			t.Fatalf("heads %+v, %v, want %d", heads, err, res.Version)
		}
		p, err := reader.Since(t.Context(), "acme", "u2", "messages", since, inbox.Limits{MinSeq: uint64(res.Version)})
		if err != nil || p.Head != res.Version || p.ResetToHead {
			t.Fatalf("since %d: %+v, %v, want head %d", since, p, err, res.Version)
		}
		since = res.Version
	}
	if _, err := reader.Heads(t.Context(), []inbox.User{{Tenant: "acme", User: "nobody"}}, uint64(since)); err != nil {
		t.Errorf("a user without events: %v", err)
	}
}

// checkLeaderLost stops the log's leader while events are published.
func checkLeaderLost(t *testing.T, r *rig, servers []*natstest.Server) {
	t.Helper()
	s, err := r.js.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	before := s.CachedInfo().State.Msgs
	const n = 26
	errs := make(chan error, n)
	for i := range n {
		go func() {
			time.Sleep(time.Duration(i) * 10 * time.Millisecond)
			_, err := r.svc.Publish(t.Context(), "acme", publish.Request{User: "u" + string(rune('A'+i)), Kind: "messages"})
			errs <- err
		}()
	}
	for _, srv := range servers {
		if srv.Options().Name == s.CachedInfo().Cluster.Leader {
			srv.Shutdown()
		}
	}
	for range n {
		if err := <-errs; err != nil {
			t.Errorf("publish while the leader was lost: %v", err)
		}
	}
	if s, err = r.js.Stream(t.Context(), routing.StreamInbox); err != nil {
		t.Fatal(err)
	}
	if got := s.CachedInfo().State.Msgs - before; got != n {
		t.Errorf("%d stored, want %d", got, n)
	}
}
