package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// What it takes to decide on 100,000 devices whose patience ends at the same
// moment: an op is one of them.
func BenchmarkDeadlinesAtOnce(b *testing.B) {
	const users = 100_000
	now := time.UnixMilli(1_700_000_000_000)
	tab, out := table.New(), &silent{}
	d := New(Config{MaxPending: 10 * users}, tab, out)
	batch := &linkpb.SessionBatch{Edge: "e1", Incarnation: 1, Seq: 1, Count: users}
	names := make([]string, users)
	for i := range users {
		names[i] = fmt.Sprintf("u%d", i)
		tab.SetRecord(table.ID("a", names[i], "d"), true)
		batch.Added = append(batch.Added, &linkpb.Session{Conn: uint64(i + 1), Tenant: "a", User: names[i], Device: "d", Epoch: now.UnixMilli()})
	}
	tab.Apply(batch, now, nil)
	v := int64(0)
	for b.Loop() {
		b.StopTimer()
		for i := range users {
			tab.SetDoubtful(tab.Device(table.ID("a", names[i], "d")).Session, false)
		}
		for i := range users {
			v++
			d.Message(Message{Tenant: "a", User: names[i], Kind: "k", Version: v, At: now, Urgency: routing.UrgencyHigh, Push: true, Receipt: v}, now)
		}
		now = now.Add(routing.UrgencyHigh.Patience())
		b.StartTimer()
		d.Tick(now)
		b.StopTimer()
		if len(out.jobs) != users {
			b.Fatalf("%d decided", len(out.jobs))
		}
		for _, j := range out.jobs {
			d.Stored(j, nil, now)
		}
		out.jobs = out.jobs[:0]
		now = now.Add(time.Minute)
		d.Tick(now)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/users, "ns/decision")
	b.ReportMetric(0, "ns/op")
}
