package table

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

var start = time.UnixMilli(1_700_000_000_000)

func apply(t *testing.T, tab *Table, b *linkpb.SessionBatch, want BatchResult) []Change {
	t.Helper()
	got, changes := tab.Apply(b, start, nil)
	if got != want {
		t.Fatalf("batch %d: result %d, want %d", b.GetSeq(), got, want)
	}
	return changes
}

func conn(tab *Table, user, device string) uint64 {
	if s := tab.Device(ID("t", user, device)).Session; s.Exists() {
		return s.Conn
	}
	return 0
}

func TestFollowsBatches(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	apply(t, tab, e.beat(), Applied)
	if c := apply(t, tab, e.add(says(1, "u", "d", 5)), Applied); len(c) != 1 || !c[0].New {
		t.Fatalf("changes %+v", c)
	}
	again := says(1, "u", "d", 5)
	again.Background = true
	if c := apply(t, tab, e.add(again), Applied); len(c) != 1 || c[0].New || !tab.Device(c[0].Device).Background {
		t.Fatalf("changes %+v", c)
	}
	if echo, ok := tab.Echo("e1"); !ok || echo.Seq != 2 {
		t.Errorf("echo %+v, %v", echo, ok)
	}
	if c := apply(t, tab, e.batch(nil, 1), Applied); len(c) != 1 || c[0].Session.Exists() {
		t.Fatalf("changes %+v", c)
	}
	if tab.devices.len() != 0 || tab.users.len() != 0 || len(tab.tenants.numbers) != 0 {
		t.Error("the user is still there")
	}
}

func TestGapNeedsDump(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	apply(t, tab, e.add(says(1, "u", "d1", 5)), Applied)
	e.add(says(2, "u", "d2", 5)) // lost
	apply(t, tab, e.beat(), Gap)
	if _, ok := tab.Echo("e1"); ok {
		t.Error("an echo of what is not known")
	}
	if conn(tab, "u", "d1") != 1 {
		t.Error("what was known is forgotten")
	}
	needs := tab.DumpNeeds(start)
	if len(needs) != 1 || len(tab.DumpNeeds(start)) != 0 {
		t.Fatalf("needs %+v, then more", needs)
	}
	parts := e.dump(needs[0].ID, 1)
	apply(t, tab, e.add(says(3, "u", "d3", 5)), Kept)
	ok, changes := tab.TakeDump(parts[0], start, nil)
	if ok {
		t.Fatal("half a dump was enough")
	}
	ok, changes = tab.TakeDump(parts[1], start, changes)
	if !ok || len(changes) != 2 || conn(tab, "u", "d2") != 2 || conn(tab, "u", "d3") != 3 {
		t.Fatalf("after the dump: %v, %+v", ok, changes)
	}
	apply(t, tab, e.beat(), Applied)
}

func TestMismatchNeedsDump(t *testing.T) {
	for name, spoil := range map[string]func(*linkpb.SessionBatch){
		"count":    func(b *linkpb.SessionBatch) { b.Count++ },
		"checksum": func(b *linkpb.SessionBatch) { b.Checksum++ },
	} {
		tab, e := New(), newEdge("e1", 1)
		b := e.add(says(1, "u", "d", 5))
		spoil(b)
		apply(t, tab, b, Mismatch)
		if len(tab.DumpNeeds(start)) != 1 {
			t.Errorf("%s: no dump is asked for", name)
		}
	}
}

func TestDumpIsAskedForAgain(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	e.add(says(1, "u", "d1", 5), says(2, "u", "d2", 5))
	apply(t, tab, e.beat(), Unknown)
	first := tab.DumpNeeds(start)[0]
	parts := e.dump(first.ID, 1)
	if ok, _ := tab.TakeDump(parts[1], start, nil); ok {
		t.Fatal("a part out of order was taken")
	}
	tab.TakeDump(parts[0], start, nil)
	later := start.Add(dumpRetry)
	needs := tab.DumpNeeds(later)
	if len(needs) != 1 || needs[0].ID == first.ID {
		t.Fatalf("needs %+v", needs)
	}
	if ok, _ := tab.TakeDump(parts[1], later, nil); ok {
		t.Fatal("a part of the former dump was taken")
	}
	if tab.Settled(later) {
		t.Error("complete without the edge")
	}
	if !tab.Settled(start.Add(dumpBlocks)) {
		t.Error("an edge that does not answer blocks for ever")
	}
}

func TestKeptBatchesAreBounded(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	e.add(says(1, "u", "d", 5))
	apply(t, tab, e.beat(), Unknown)
	id := tab.DumpNeeds(start)[0].ID
	parts := e.dump(id, 10)
	for range maxKept {
		apply(t, tab, e.batch(nil, 999), Kept)
	}
	apply(t, tab, e.batch(nil, 999), KeptFull)
	tab.TakeDump(parts[0], start, nil)
	apply(t, tab, e.beat(), Gap)
	tab.TakeDump(e.dump(tab.DumpNeeds(start)[0].ID, 10)[0], start, nil)
	apply(t, tab, e.beat(), Applied)
}

func TestEdgesComeAndGo(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	tab.Tick(start)
	apply(t, tab, e.add(says(1, "u", "d", 5)), Applied)
	s := tab.Device(ID("t", "u", "d")).Session
	next := newEdge("e1", 2)
	apply(t, tab, next.beat(), Applied)
	if conn(tab, "u", "d") != 0 || tab.Live(s) {
		t.Error("a session of the former incarnation lives")
	}
	apply(t, tab, e.beat(), Stale)
	for at := start; at.Before(start.Add(EdgeSilence)); at = at.Add(100 * time.Millisecond) {
		if lost := tab.Tick(at); len(lost) != 0 {
			t.Fatalf("lost %v after %v", lost, at.Sub(start))
		}
	}
	tab.Tick(start.Add(EdgeSilence))
	if lost := tab.Tick(start.Add(EdgeSilence + 100*time.Millisecond)); len(lost) != 1 {
		t.Fatalf("lost %v", lost)
	}
}

func TestHeldUpOwnerExcusesEdges(t *testing.T) {
	tab := New()
	tab.Tick(start)
	apply(t, tab, newEdge("e1", 1).beat(), Applied)
	if lost := tab.Tick(start.Add(time.Minute)); len(lost) != 0 {
		t.Error("lost while their beats waited unread")
	}
}

func TestOrderOfSessions(t *testing.T) {
	type at struct {
		inc, epoch int64
		conn       uint64
	}
	for i, c := range []struct {
		old, new at
		wins     bool
	}{
		{at{1, 5, 1}, at{1, 6, 2}, true},
		{at{1, 6, 1}, at{1, 5, 2}, false},
		{at{1, 5, 1}, at{2, 5, 1}, true},
		{at{2, 5, 1}, at{1, 5, 9}, false},
		{at{1, 5, 1}, at{1, 5, 2}, true},
		{at{1, 5, 1}, at{1, 5, 1}, true}, // by name
	} {
		tab := New()
		e1, e2 := newEdge("e1", c.old.inc), newEdge("e2", c.new.inc)
		apply(t, tab, e1.add(says(c.old.conn, "u", "d", c.old.epoch)), Applied)
		changes := apply(t, tab, e2.add(says(c.new.conn, "u", "d", c.new.epoch)), Applied)
		if won := len(changes) == 1; won != c.wins {
			t.Errorf("case %d: won %v", i, won)
		}
		loser, conn := "e1", c.old.conn
		if !c.wins {
			loser, conn = "e2", c.new.conn
		}
		echo, _ := tab.Echo(loser)
		if len(echo.Superseded) != 1 || echo.Superseded[0] != conn {
			t.Errorf("case %d: %s is told %+v", i, loser, echo)
		}
		if again, _ := tab.Echo(loser); len(again.Superseded) != 1 {
			t.Errorf("case %d: told once only", i)
		}
	}
}

func TestLoserDoesNotComeBack(t *testing.T) {
	tab, e1, e2 := New(), newEdge("e1", 1), newEdge("e2", 1)
	apply(t, tab, e1.add(says(1, "u", "d", 5)), Applied)
	apply(t, tab, e2.add(says(1, "u", "d", 6)), Applied)
	apply(t, tab, e2.batch(nil, 1), Applied)
	if conn(tab, "u", "d") != 0 {
		t.Error("the superseded session is back")
	}
	apply(t, tab, e1.batch(nil, 1), Applied)
	if echo, _ := tab.Echo("e1"); len(echo.Superseded) != 0 {
		t.Errorf("told of an ended session: %+v", echo)
	}
}

func TestEpochAhead(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	limit := start.Add(MaxEpochAhead).UnixMilli()
	apply(t, tab, e.add(says(1, "u", "d", limit+1), says(2, "v", "d", limit)), Applied)
	echo, _ := tab.Echo("e1")
	if len(echo.Refused) != 1 || echo.Refused[0] != 1 || conn(tab, "u", "d") != 0 || conn(tab, "v", "d") != 2 {
		t.Errorf("echo %+v", echo)
	}
}

func TestRecords(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	id := ID("t", "u", "d")
	if !tab.SetRecord(id, true) || tab.SetRecord(id, true) {
		t.Error("a new record changes something, the same one nothing")
	}
	apply(t, tab, e.add(says(1, "u", "d", 5), says(2, "u", "e", 5)), Applied)
	if d := tab.Devices(nil, id.UserID); len(d) != 2 || !d[0].HasToken || d[1].HasToken || !d[0].Session.Exists() {
		t.Errorf("devices %+v", d)
	}
	tab.Forget("e1", start)
	if d := tab.Devices(nil, id.UserID); len(d) != 1 || d[0].Session.Exists() || d[0].Lost.Edge != "e1" || !d[0].Lost.At.Equal(start) {
		t.Errorf("devices %+v", d)
	}
	if !tab.SetRecord(id, false) || tab.DeleteRecord(id) || tab.Records() != 0 {
		t.Error("the record is still there")
	}
}

func TestLostEdgesAreSwept(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	const sessions = 3 * sweepStep
	var added []*linkpb.Session
	for i := range uint64(sessions) {
		added = append(added, says(i+1, fmt.Sprintf("u%d", i), "d", 5))
	}
	apply(t, tab, e.add(added...), Applied)
	tab.SetRecord(ID("t", "u7", "d"), true)
	tab.Forget("e1", start)
	ticks := 0
	for now := start; tab.devices.len() > 1; now = now.Add(time.Second) {
		if d := tab.Device(ID("t", "u7", "d")); now.Sub(start) < LostFor && d.Lost != (Lost{Edge: "e1", At: start}) {
			t.Fatalf("after %v it is not known that the edge was lost: %+v", now.Sub(start), d)
		}
		if tab.Tick(now); now.Sub(start) >= LostFor {
			ticks++
		}
	}
	if want := 2*sessions/sweepStep + 1; ticks > want {
		t.Errorf("it took %d ticks, want at most %d", ticks, want)
	}
	tab.Tick(start.Add(time.Hour))
	if tab.sessions.len() != 0 || tab.users.len() != 1 || len(tab.graves) != 0 || len(tab.freeSlots) != 1 {
		t.Errorf("left behind: %d sessions, %d users, %d edges", tab.sessions.len(), tab.users.len(), len(tab.graves))
	}
	if d := tab.Device(ID("t", "u7", "d")); d.Lost.Edge != "" || !d.HasToken {
		t.Errorf("the registered device is %+v", d)
	}
	apply(t, tab, newEdge("e2", 1).beat(), Applied)
	if n := tab.edges["e2"].number; n != 0 {
		t.Errorf("the lost edge's number is not used again, but %d", n)
	}
}

// A connection number that is used again is another session.
func TestSessionIsOneOfItsEpoch(t *testing.T) {
	tab, e := New(), newEdge("e1", 1)
	apply(t, tab, e.add(says(1, "u", "d", 5)), Applied)
	was := tab.Device(ID("t", "u", "d")).Session
	apply(t, tab, e.add(says(1, "u", "d", 6)), Applied)
	tab.SetDoubtful(was, true)
	if d := tab.Device(ID("t", "u", "d")); tab.Live(was) || d.Session == was || d.Doubtful || !tab.Live(d.Session) {
		t.Errorf("device %+v", d)
	}
}
