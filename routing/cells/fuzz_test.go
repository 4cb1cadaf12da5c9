package cells

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// FuzzParse reads what comes from edges, from routers and from the bucket. What
// is taken for a cell must be fit to be added to and to be learned from.
func FuzzParse(f *testing.F) {
	now := time.Unix(1_800_000_000, 0)
	l, p := heartbeat.NewLearner(now, heartbeat.Options{}), heartbeat.Path{Network: heartbeat.Network{1}}
	v := l.Open(now, heartbeat.Arrival{Path: p})
	l.Probed(now, &v, 240*time.Second)
	l.Heard(now, &v, time.Second)
	delta, _ := l.Export(now, p)
	for _, m := range []proto.Message{
		&linkpb.StoredCell{Snapshot: delta, Shares: []*linkpb.StoredCell_Share{{Edge: 1, Incarnation: 2, Batch: 3, MergedMs: 4, Weight: 5}}},
		&linkpb.CellsRequest{Incarnation: 1, Batch: 1, Deltas: []*linkpb.Cell{{Network: p.Key(), Snapshot: delta}}},
		&linkpb.CellsResponse{Fates: []linkpb.CellsResponse_Fate{1}, Cells: []*linkpb.Cell{{Network: p.Key(), Snapshot: delta}}, Generation: 1, Revision: 2},
	} {
		b, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if req, err := parseRequest(b); err == nil && len(req.GetDeltas()) > batchCells {
			t.Fatalf("%d deltas", len(req.GetDeltas()))
		}
		_, _ = parseResponse(b, 1) // must not panic
		c, err := parseValue(b, now)
		if err != nil {
			return
		}
		for _, s := range c.GetShares() {
			if w := weightNow(s, now); !(w >= 0) {
				t.Fatalf("a share weighs %v", w)
			}
		}
		merged, err := sum(c.GetSnapshot(), delta, now, 1, true)
		if err != nil {
			t.Fatalf("a cell that was read cannot be added to: %v", err)
		}
		learner := heartbeat.NewLearner(now, heartbeat.Options{})
		if err := learner.Import(now, p, merged); err != nil {
			t.Fatalf("what was added up cannot be learned from: %v", err)
		}
		if i := learner.Look(now, p).Interval; i < heartbeat.Min || i > heartbeat.Max {
			t.Fatalf("the interval is %v", i)
		}
	})
}
