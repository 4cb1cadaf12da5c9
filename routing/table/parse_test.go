package table

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// What the protobuf library takes, Parse takes for the same.
func FuzzParseDump(f *testing.F) {
	whole := &linkpb.SessionDump{Edge: "e1", Incarnation: 1, Seq: 2, Part: 3, Last: true, DumpId: 4, Sessions: []*linkpb.Session{
		{Conn: 1, Tenant: "t", User: "u", Device: "d", Epoch: -5, Background: true, Platform: "ios"}, {}, {Conn: 1 << 63},
	}}
	for _, p := range []*linkpb.SessionDump{{}, whole} {
		b, err := proto.Marshal(p)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Add([]byte{0x0a})
	f.Add([]byte{0x22, 0x02, 0x12, 0x05})
	f.Fuzz(func(t *testing.T, data []byte) {
		part, want := &DumpPart{}, &linkpb.SessionDump{}
		err := part.Parse(data)
		if proto.Unmarshal(data, want) != nil {
			return
		}
		if err != nil {
			t.Fatalf("refused: %v", want)
		}
		same(t, part, want)
		e := New()
		e.Apply(&linkpb.SessionBatch{Edge: part.Edge, Incarnation: part.Incarnation, Seq: 9}, start, nil)
		part.ID = e.DumpNeeds(start)[0].ID
		e.TakeDump(part, start.Add(time.Second), nil)
	})
}

func same(t *testing.T, got *DumpPart, want *linkpb.SessionDump) {
	t.Helper()
	if got.Edge != want.GetEdge() || got.Incarnation != want.GetIncarnation() || got.Seq != want.GetSeq() ||
		got.Part != want.GetPart() || got.Last != want.GetLast() || got.ID != want.GetDumpId() || got.Sessions() != len(want.GetSessions()) {
		t.Fatalf("read %+v, want %v", got, want)
	}
	for i, s := range want.GetSessions() {
		x := got.sessions[i]
		if x.conn != s.GetConn() || x.epoch != s.GetEpoch() || x.device != toldBy(s).device || x.background != s.GetBackground() || x.platform != s.GetPlatform() {
			t.Fatalf("session %d: read %+v, want %v", i, got.sessions[i], s)
		}
	}
}

func TestPartIsReadAnew(t *testing.T) {
	part := &DumpPart{}
	for _, p := range []*linkpb.SessionDump{
		{Edge: "e1", Last: true, Sessions: []*linkpb.Session{says(1, "u", "d", 5), says(2, "v", "d", 5)}},
		{Edge: "e2", Part: 1, Sessions: []*linkpb.Session{{Conn: 3}}},
	} {
		b, err := proto.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := part.Parse(b); err != nil {
			t.Fatal(err)
		}
		same(t, part, p)
		if part.Parse(b[:len(b)-1]) == nil {
			t.Error("half a part was taken")
		}
	}
}
