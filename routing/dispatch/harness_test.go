package dispatch

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
	"github.com/hawser-edge/hawser/routing/table"
)

// rig is a dispatcher with one edge, whose effects are written down.
type rig struct {
	t    *testing.T
	d    *Dispatcher
	tab  *table.Table
	now  time.Time
	log  []string
	jobs []Job
	seq  uint64
	live map[uint64]uint64
}

func newRig(t *testing.T, cfg Config) *rig {
	r := &rig{t: t, tab: table.New(), now: time.UnixMilli(1_700_000_000_000), live: map[uint64]uint64{}}
	r.d = New(cfg, r.tab, r)
	return r
}

func (r *rig) Notify(s table.Session, kind string, v int64, _ routing.Urgency) {
	r.note("notify %d %s %d", s.Conn, kind, v)
}
func (r *rig) Away(d table.DeviceID, kind string, v int64) {
	r.note("away %s %s %d", d.Device, kind, v)
}
func (r *rig) Store(j Job) {
	r.jobs = append(r.jobs, j)
	r.note("store %s %s %d", j.Device.Device, j.Kind, j.Version)
}
func (r *rig) Remove(d table.DeviceID, kind string, v int64) {
	r.note("remove %s %s %d", d.Device, kind, v)
}
func (r *rig) Ack(receipt any)      { r.note("ack %v", receipt) }
func (r *rig) Nak(receipt any)      { r.note("nak %v", receipt) }
func (r *rig) Defer(receipt any)    { r.note("defer %v", receipt) }
func (r *rig) Progress(receipt any) { r.note("progress %v", receipt) }
func (r *rig) Checked(id uint64, s linkpb.CheckResponse_State) {
	r.note("checked %d %s", id, s.String()[len("STATE_"):])
}

func (r *rig) note(format string, a ...any) { r.log = append(r.log, fmt.Sprintf(format, a...)) }

// want compares what was called for since the last want.
func (r *rig) want(effects ...string) {
	r.t.Helper()
	if fmt.Sprint(r.log) != fmt.Sprint(effects) {
		r.t.Fatalf("effects\n  %q, want\n  %q", r.log, effects)
	}
	r.log = nil
}

// pass lets time pass and drops signs of life.
func (r *rig) pass(d time.Duration) {
	for end := r.now.Add(d); r.now.Before(end); {
		r.now = r.now.Add(50 * time.Millisecond)
		r.beat()
		r.d.Tick(r.now)
	}
	kept := r.log[:0]
	for _, l := range r.log {
		if len(l) < 8 || l[:8] != "progress" {
			kept = append(kept, l)
		}
	}
	r.log = kept
}

func (r *rig) beat() { r.apply(&linkpb.SessionBatch{Seq: r.seq}) }

func (r *rig) apply(b *linkpb.SessionBatch) {
	b.Edge, b.Incarnation, b.Count = "e1", 1, uint64(len(r.live))
	for _, sum := range r.live {
		b.Checksum += sum
	}
	result, changes := r.tab.Apply(b, r.now, nil)
	if result != table.Applied {
		r.t.Fatalf("batch result %d", result)
	}
	for _, c := range changes {
		r.d.Changed(c, r.now)
	}
}

func (r *rig) connect(conn uint64, device string, background bool) {
	r.connectID(conn, table.ID("t", "u", device), background)
}

func (r *rig) connectID(conn uint64, id table.DeviceID, background bool) {
	epoch := r.now.UnixMilli()
	r.live[conn] = sessionsum.Of(conn, id.Tenant, id.User, id.Device, epoch)
	r.seq++
	r.apply(&linkpb.SessionBatch{Seq: r.seq, Added: []*linkpb.Session{{
		Conn: conn, Tenant: id.Tenant, User: id.User, Device: id.Device, Epoch: epoch, Background: background,
	}}})
}

func (r *rig) disconnect(conn uint64) {
	delete(r.live, conn)
	r.seq++
	r.apply(&linkpb.SessionBatch{Seq: r.seq, Removed: []uint64{conn}})
}

func (r *rig) token(device string) {
	id := table.ID("t", "u", device)
	r.tab.SetRecord(id, true)
	r.d.RecordChanged(id, r.now)
}

// event takes in a message whose receipt is its version; 10 s of patience.
func (r *rig) event(v int64, change ...func(*Message)) {
	m := Message{Tenant: "t", User: "u", Kind: "k", Version: v, At: r.now, Urgency: routing.UrgencyNormal, Push: true, Receipt: v}
	for _, c := range change {
		c(&m)
	}
	r.d.Message(m, r.now)
}

func redelivered(m *Message) { m.Redelivered = true }
func noPush(m *Message)      { m.Push = false }
func urgency(u routing.Urgency) func(*Message) {
	return func(m *Message) { m.Urgency = u }
}
func age(d time.Duration) func(*Message) { return func(m *Message) { m.At = m.At.Add(-d) } }

func (r *rig) answer(conn uint64, s linkpb.Answer_State, acked, v int64) {
	r.d.Answer("e1", 1, &linkpb.Answer{Conn: conn, Kind: "k", State: s, Acked: acked, Version: v}, r.now)
}

func (r *rig) acked(conn uint64, v int64) { r.answer(conn, linkpb.Answer_STATE_ACKED, v, v) }
func (r *rig) inFlight(conn uint64, v int64) {
	r.answer(conn, linkpb.Answer_STATE_IN_FLIGHT, 0, v)
}
func (r *rig) gone(conn uint64, v int64) { r.answer(conn, linkpb.Answer_STATE_GONE, 0, v) }

// stored completes the i-th job.
func (r *rig) stored(i int, err error) { r.d.Stored(r.jobs[i], err, r.now) }
