package pushqueue

import (
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// What is taken from another worker is a job, and is answered to the queue and
// to nobody else.
func FuzzParsePassed(f *testing.F) {
	good := &linkpb.PassedJob{
		Job: &linkpb.PushJob{Tenant: "acme", User: "u1", Device: "d1", Kind: "messages", Version: 5, EventMs: 1_700_000_000_000, Urgency: 2},
		Ack: "$JS.ACK.PUSH.PUSH.1.7.7.1700000000000000000.0", Sequence: 7, Deliveries: 1,
	}
	add := func(change func(*linkpb.PassedJob)) {
		m := proto.Clone(good).(*linkpb.PassedJob)
		change(m)
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	add(func(*linkpb.PassedJob) {})
	add(func(m *linkpb.PassedJob) { m.Ack = "hw.p.b.p1" })
	add(func(m *linkpb.PassedJob) { m.Ack = "$JS.ACK.>" })
	add(func(m *linkpb.PassedJob) { m.Sequence = 0 })
	add(func(m *linkpb.PassedJob) { m.Job = nil })
	f.Add([]byte("\xff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		p, err := parsePassed(data)
		if err != nil {
			return
		}
		if p.job.check() != nil || p.sequence == 0 || !strings.HasPrefix(p.ack, "$JS.ACK.") || strings.ContainsAny(p.ack, "*> ") {
			t.Errorf("%+v", p)
		}
	})
}
