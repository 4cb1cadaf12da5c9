package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// silent is an outside whose push jobs are stored at once, and whose devices
// say nothing.
type silent struct {
	jobs              []Job
	deferred, settled int
}

func (s *silent) Notify(table.Session, string, int64, routing.Urgency) {}
func (s *silent) Away(table.DeviceID, string, int64)                   {}
func (s *silent) Store(j Job)                                          { s.jobs = append(s.jobs, j) }
func (s *silent) Remove(table.DeviceID, string, int64)                 {}
func (s *silent) Ack(any)                                              { s.settled++ }
func (s *silent) Nak(any)                                              {}
func (s *silent) Defer(any)                                            { s.deferred++ }
func (s *silent) Progress(any)                                         {}
func (s *silent) Checked(uint64, linkpb.CheckResponse_State)           {}

// What an event costs while 100,000 silent devices of its tenant fill the
// tenant's part of the default room: it is taken in and the oldest one
// relieved.
func BenchmarkRelief(b *testing.B) {
	const users = 100_000
	now := time.UnixMilli(1_700_000_000_000)
	tab, out := table.New(), &silent{}
	d := New(Config{}, tab, out)
	batch := &linkpb.SessionBatch{Edge: "e1", Incarnation: 1, Seq: 1, Count: users}
	names := make([]string, users)
	for i := range users {
		names[i] = fmt.Sprintf("u%d", i)
		tab.SetRecord(table.ID("a", names[i], "d"), true)
		batch.Added = append(batch.Added, &linkpb.Session{Conn: uint64(i + 1), Tenant: "a", User: names[i], Device: "d", Epoch: now.UnixMilli()})
	}
	tab.Apply(batch, now, nil)
	v := int64(0)
	event := func() {
		v++
		now = now.Add(20 * time.Microsecond)
		d.Message(Message{Tenant: "a", User: names[v%users], Kind: "k", Version: v, At: now, Urgency: routing.UrgencyLow, Push: true, Receipt: v}, now)
		for _, j := range out.jobs {
			d.Stored(j, nil, now)
		}
		out.jobs = out.jobs[:0]
		if v%1000 == 0 {
			d.Tick(now)
		}
	}
	for range 60_000 {
		event()
	}
	b.ResetTimer()
	for b.Loop() {
		event()
	}
	c := d.Counts()
	b.ReportMetric(float64(c.Held), "held")
	b.ReportMetric(float64(c.PutOff), "put_off")
	b.ReportMetric(float64(c.Relieved)/float64(c.Messages), "relieved/event")
}
