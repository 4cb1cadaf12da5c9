package cells

import (
	"fmt"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

func net(n int) heartbeat.Path {
	return heartbeat.Path{Network: heartbeat.Network{1, byte(n >> 8), byte(n)}}
}

func cell(t *testing.T, size int) []byte {
	t.Helper()
	b, err := proto.Marshal(&linkpb.StoredCell{Snapshot: make([]byte, size)})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// read asks for pages until there are no more, and returns which networks they
// named, in their order.
func read(t *testing.T, m *mirror, generation int64, revision uint64) (names []string, at uint64) {
	t.Helper()
	for range 1000 {
		var resp linkpb.CellsResponse
		m.page(&resp, generation, revision)
		size := 0
		for _, c := range resp.GetCells() {
			names = append(names, c.GetNetwork())
			size += len(c.GetSnapshot())
		}
		if len(resp.GetCells()) > pageCells || size > pageBytes {
			t.Fatalf("a page has %d cells and %d bytes", len(resp.GetCells()), size)
		}
		generation, revision = resp.GetGeneration(), resp.GetRevision()
		if !resp.GetMore() {
			return names, revision
		}
	}
	t.Fatal("there is always more")
	return nil, 0
}

// Whoever asks for pages hears of each network's newest sum, whatever is
// written meanwhile, and of nothing twice that did not change.
func TestMirrorPages(t *testing.T) {
	m := newMirror(7, 5000)
	for n := range 1000 {
		m.put(net(n), held{uint64(n + 1), cell(t, 1000)})
	}
	names, at := read(t, m, 0, 99)
	if len(names) != 1000 || at != 1000 {
		t.Fatalf("%d networks up to %d were told, want 1000 up to 1000", len(names), at)
	}
	if again, _ := read(t, m, 7, at); len(again) != 0 {
		t.Errorf("nothing changed and %d were told", len(again))
	}
	for round := range 300 { // the order is tidied up meanwhile
		for n := range 10 {
			m.put(net(n), held{uint64(1001 + round*10 + n), cell(t, 10)})
		}
	}
	if len(m.order) > 2*1000+64+10 {
		t.Errorf("%d lines are kept for 1000 networks", len(m.order))
	}
	names, at = read(t, m, 7, at)
	if want := net(0).Key(); len(names) != 10 || names[0] != want || at != 4000 {
		t.Errorf("%d networks up to %d were told, from %v; want 10 up to 4000, from %s", len(names), at, names[0], want)
	}
	if all, _ := read(t, m, 6, at); len(all) != 1000 {
		t.Errorf("of another generation %d were told, want all", len(all))
	}
	m.remove(net(3), 4001)
	m.put(net(4), held{5, nil}) // told again
	if all, _ := read(t, m, 0, 0); len(all) != 999 {
		t.Errorf("after one was removed %d were told", len(all))
	}
}

func TestMirrorIsBounded(t *testing.T) {
	m := newMirror(7, 100)
	for n := range 100_000 {
		m.put(net(n), held{uint64(n + 1), nil})
	}
	cells, dropped := m.count()
	if cells != 100 || len(m.order) > 300 || dropped != 65_536-100+(100_000-65_536) { // names repeat after 65,536
		t.Errorf("%d networks and %d lines are kept, %d dropped", cells, len(m.order), dropped)
	}
	if p, _, full := m.reserve(net(1)); !full || p != net(99_900) {
		t.Errorf("the oldest is %v, full %v", p, full)
	}
}

// What is being written takes room before the watch tells of it.
func TestRoomIsReserved(t *testing.T) {
	m := newMirror(7, 3)
	m.put(net(1), held{1, nil})
	for _, tt := range []struct {
		path int
		full bool
	}{{2, false}, {3, false}, {3, false}, {4, true}} {
		if out, h, full := m.reserve(net(tt.path)); full != tt.full || full && (out != net(1) || h.revision != 1) {
			t.Errorf("for network %d: full %v, to push out %v of revision %d", tt.path, full, out, h.revision)
		}
	}
	m.release(net(3))
	if _, _, full := m.reserve(net(4)); full {
		t.Error("what was not written keeps its room")
	}
	m.replace(net(1), 2, net(5))
	if _, h, full := m.reserve(net(6)); !full || h.revision != 0 {
		t.Errorf("with nothing but what is coming: full %v, to push out revision %d", full, h.revision)
	}
	m.put(net(2), held{3, nil})
	if cells, _ := m.count(); cells != 1 || len(m.coming) != 2 {
		t.Errorf("%d networks, %d coming, want 1 and 2", cells, len(m.coming))
	}
}

func TestAccounts(t *testing.T) {
	sessions := map[string]int{"big": 1000, "mid": 200}
	a := newAccounts(func(edge string) int { return sessions[edge] })
	now := time.Unix(1_800_000_000, 0)
	if got := a.evidence("big", 1e9, now); got != 144_000 {
		t.Errorf("at first an edge of 1,000 sessions is believed %v, want an hour's: 144,000", got)
	}
	if got := a.evidence("big", 1e9, now.Add(time.Minute)); got != 2400 {
		t.Errorf("a minute later it is believed %v, want 2,400", got)
	}
	sessions["big"] = 0
	if got := a.evidence("big", 1e9, now.Add(2*time.Minute)); got != 240 {
		t.Errorf("without sessions it is believed %v, want what 100 see: 240", got)
	}
	if got := a.evidence("big", 1e9, now.Add(-time.Hour)); got != 0 {
		t.Errorf("with a clock that went back it is believed %v", got)
	}
	if got := a.evidence("mid", 100, now); got != 100 {
		t.Errorf("100 of an hour's 28,800 are %v", got)
	}
	sessions["mid"] = 0
	if got := a.evidence("mid", 1e9, now.Add(time.Minute)); got != 28_700 {
		t.Errorf("what it saw before its sessions ended is %v, want 28,700", got)
	}
	added := 0
	for range 10_000 {
		if a.add("mid", now) {
			added++
		}
	}
	if added != newAnHour {
		t.Errorf("%d networks were added, want %d", added, newAnHour)
	}
	for n := range 2 * maxEdges {
		a.request(fmt.Sprint("x", n), now)
	}
	if len(a.edges) > maxEdges {
		t.Errorf("%d edges have an account", len(a.edges))
	}
	if !a.request("later", now.Add(2*time.Hour)) {
		t.Error("accounts that are full again are not forgotten")
	}
}

// A cell remembers those who wrote it last.
func TestShares(t *testing.T) {
	c, now := &linkpb.StoredCell{}, time.Unix(1_800_000_000, 0)
	for n := range 200 {
		setShare(c, &linkpb.StoredCell_Share{Edge: uint64(n), Batch: 1, MergedMs: now.UnixMilli(), Weight: 256})
		setShare(c, &linkpb.StoredCell_Share{Edge: 0, Batch: uint64(n), MergedMs: now.UnixMilli(), Weight: 100})
	}
	if len(c.GetShares()) != maxShares || shareOf(c, 0).GetBatch() != 199 || shareOf(c, 199) == nil || shareOf(c, 100) != nil {
		t.Errorf("the shares are %v", c.GetShares())
	}
	c.Snapshot = make([]byte, heartbeat.MaxSnapshot)
	if b, err := proto.Marshal(c); err != nil || len(b) > MaxValue {
		t.Errorf("the greatest cell has %d bytes, %v", len(b), err)
	}
	if got := weightNow(shareOf(c, 0), now.Add(shareHalfLife)); got != 50 {
		t.Errorf("after a half-life 100 weigh %v", got)
	}
}
