package table

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// Whatever is lost, doubled or late: after the last beat and dump the table
// holds what the edges hold.
func TestConverges(t *testing.T) {
	for seed := range uint64(200) {
		rng := rand.New(rand.NewPCG(seed, 3))
		tab := New()
		edges := []*edge{newEdge("e1", 1), newEdge("e2", 1)}
		var late []*linkpb.SessionBatch
		now := start
		for n := range uint64(300) {
			now = now.Add(50 * time.Millisecond)
			e := edges[rng.IntN(2)]
			b := e.beat()
			switch rng.IntN(3) {
			case 0:
				b = e.add(says(n+1, fmt.Sprint(rng.IntN(9)), fmt.Sprint(rng.IntN(3)), start.UnixMilli()+int64(n)))
			case 1:
				b = e.batch(nil, uint64(rng.IntN(int(n)+1)))
			}
			switch rng.IntN(6) {
			case 0: // lost
			case 1:
				late = append(late, b)
			default:
				tab.Apply(b, now, nil)
			}
			if len(late) > 0 && rng.IntN(4) == 0 {
				tab.Apply(late[0], now, nil)
				late = late[1:]
			}
			if rng.IntN(50) == 0 {
				tab.Forget(e.name, now)
			}
			takeDumps(tab, edges, now, rng)
		}
		for range 3 {
			now = now.Add(2 * dumpRetry)
			for _, e := range edges {
				tab.Apply(e.beat(), now, nil)
			}
			takeDumps(tab, edges, now, nil)
		}
		compare(t, seed, tab, edges)
	}
}

func takeDumps(tab *Table, edges []*edge, now time.Time, rng *rand.Rand) {
	for _, need := range tab.DumpNeeds(now) {
		for _, e := range edges {
			if e.name != need.Edge {
				continue
			}
			for _, p := range e.dump(need.ID, 4) {
				if rng == nil || rng.IntN(5) > 0 {
					tab.TakeDump(p, now, nil)
				}
			}
		}
	}
}

func compare(t *testing.T, seed uint64, tab *Table, edges []*edge) {
	t.Helper()
	newest := map[DeviceID]*linkpb.Session{}
	for _, e := range edges {
		if r, _ := tab.Apply(e.beat(), start.Add(time.Hour), nil); r != Applied {
			t.Fatalf("seed %d: beat of %s: %d", seed, e.name, r)
		}
		for _, s := range e.sessions {
			if s, _ := tab.Session(e.name, e.inc, s.GetConn()); !tab.Live(s) {
				continue // told to close
			}
			if o := newest[toldBy(s).device]; o == nil || s.GetEpoch() > o.GetEpoch() {
				newest[toldBy(s).device] = s
			}
		}
	}
	for id, want := range newest {
		if got := tab.Device(id).Session; !got.Exists() || got.Epoch != want.GetEpoch() {
			t.Errorf("seed %d: %v has session %+v, want epoch %d", seed, id, got, want.GetEpoch())
		}
	}
}
