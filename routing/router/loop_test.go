package router

import (
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// An edge with sessions that is first heard of does not make the router
// incomplete: all others would verify their sessions anew. One that was lost
// to this router for long does.
func TestAnEdgeAppears(t *testing.T) {
	e := newEnv(t)
	r, err := New(Config{Name: "r1", Conn: e.nc, JS: e.js, Catalog: e.cat, Log: discard()})
	if err != nil {
		t.Fatal(err)
	}
	subs := &subscriptions{r: r}
	defer subs.end()
	l := newLoop(r, subs)
	now := time.Now()
	l.recordsIn, l.listenUntil = true, now
	l.judge(now)
	if !l.complete || l.messages() == nil {
		t.Fatal("not complete with nothing to wait for")
	}
	hear := func() (wasComplete bool) {
		result, _ := l.table.Apply(&linkpb.SessionBatch{Edge: "e1", Incarnation: 1, Seq: 9, Count: 1}, now, nil)
		if result != table.Unknown {
			t.Fatalf("result %d", result)
		}
		l.appeared("e1", now)
		if l.messages() != nil {
			t.Fatal("events are taken before the dump")
		}
		was := l.complete
		l.table.Forget("e1", now)
		l.judge(now)
		if !l.complete {
			t.Fatal("not complete again")
		}
		return was
	}
	if !hear() {
		t.Error("a new edge made the table incomplete")
	}
	l.lost["e1"] = lostEdge{at: now.Add(-time.Second)}
	if !hear() {
		t.Error("an edge that was lost for a second made the table incomplete")
	}
	l.lost["e1"] = lostEdge{at: now.Add(-missedFor - time.Second)}
	if hear() {
		t.Error("an edge that was lost for long did not make the table incomplete")
	}
}
