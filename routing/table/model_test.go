package table

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// plain is the table as maps and pointers: what it means, without how it is
// kept.
type plain struct {
	tokens   map[DeviceID]bool
	seats    map[DeviceID]*plainSession
	sessions map[string]map[uint64]*plainSession
}

type plainSession struct {
	edge   *edge
	p      *linkpb.Session
	id     DeviceID
	closed bool
	doubt  bool
	lost   Lost
}

func newPlain() *plain {
	return &plain{map[DeviceID]bool{}, map[DeviceID]*plainSession{}, map[string]map[uint64]*plainSession{}}
}

func (m *plain) add(e *edge, p *linkpb.Session, now time.Time) {
	s := &plainSession{edge: e, p: p, id: ID(p.Tenant, p.User, p.Device)}
	if old := m.sessions[e.name][p.Conn]; old != nil {
		if old.p.Epoch == p.Epoch && old.id == s.id {
			old.p = p
			return
		}
		m.remove(e, p.Conn)
	}
	if m.sessions[e.name] == nil {
		m.sessions[e.name] = map[uint64]*plainSession{}
	}
	m.sessions[e.name][p.Conn] = s
	old := m.seats[s.id]
	switch {
	case p.Epoch > now.Add(MaxEpochAhead).UnixMilli():
		s.closed = true
		return
	case old == nil || old.lost.Edge != "":
	case old.before(s):
		old.closed = true
	default:
		s.closed = true
		return
	}
	m.seats[s.id] = s
}

func (s *plainSession) before(o *plainSession) bool {
	order := func(s *plainSession) string {
		return fmt.Sprintf("%020d %020d %020d %s", s.p.Epoch, s.edge.inc, s.p.Conn, s.edge.name)
	}
	return order(s) < order(o)
}

func (m *plain) remove(e *edge, conn uint64) {
	if s := m.sessions[e.name][conn]; s != nil {
		delete(m.sessions[e.name], conn)
		if m.seats[s.id] == s {
			delete(m.seats, s.id)
		}
	}
}

func (m *plain) forget(e *edge, site string, now time.Time) {
	for _, s := range m.sessions[e.name] {
		s.lost = Lost{e.name, site, now}
	}
	delete(m.sessions, e.name)
}

func (m *plain) device(id DeviceID, now time.Time) Device {
	d := Device{Name: id.Device, HasToken: m.tokens[id]}
	s := m.seats[id]
	switch {
	case s == nil:
	case s.lost.Edge == "":
		d.Session = Session{Conn: s.p.Conn, Epoch: s.p.Epoch}
		d.Background, d.Doubtful = s.p.Background, s.doubt
	case now.Sub(s.lost.At) < LostFor:
		d.Lost = s.lost
	}
	return d
}

// world is a table and the plain one, told the same.
type world struct {
	t     *testing.T
	seed  uint64
	rng   *rand.Rand
	now   time.Time
	tab   *Table
	plain *plain
	edges []*edge
	ids   []DeviceID
	inc   int64
}

// Whatever edges and records do, the table answers as the plain one.
func TestAgainstPlainMaps(t *testing.T) {
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 5))
		w := &world{t: t, seed: seed, rng: rng, now: start, tab: New(), plain: newPlain(), inc: 3}
		for i := range 3 {
			w.edges = append(w.edges, newEdge(fmt.Sprint("e", i), int64(i%2+1)))
		}
		names := []string{"u", uuid(1, 1), uuid(2, 1), "a-name-of-more-than-21-bytes", "another-name-of-more-than-21-bytes", "x y", "v", "18446744073709551615"}
		for range 30 {
			w.ids = append(w.ids, ID([]string{"t", "acme"}[rng.IntN(2)], names[rng.IntN(len(names))], names[rng.IntN(len(names))]))
		}
		for range 400 {
			w.step()
			w.tab.Tick(w.now)
			w.compare()
		}
		w.empty()
	}
}

func (w *world) step() {
	w.now = w.now.Add(time.Duration(w.rng.IntN(900)) * time.Millisecond)
	for _, e := range w.edges { // none falls silent by accident
		w.apply(e, e.beat())
	}
	e := w.edges[w.rng.IntN(len(w.edges))]
	switch w.rng.IntN(12) {
	case 0, 1, 2, 3:
		w.connect(e)
	case 4, 5:
		if conns := slices.Sorted(maps.Keys(e.sessions)); len(conns) > 0 {
			conn := conns[w.rng.IntN(len(conns))]
			w.apply(e, e.batch(nil, conn))
			w.plain.remove(e, conn)
		}
	case 6, 7:
		id, has := w.ids[w.rng.IntN(len(w.ids))], w.rng.IntN(2) == 0
		if changed := w.tab.SetRecord(id, has); changed != (w.plain.tokens[id] != has) {
			w.t.Fatalf("seed %d: token of %v: changed %v", w.seed, id, changed)
		}
		w.plain.tokens[id] = has
	case 8:
		id := w.ids[w.rng.IntN(len(w.ids))]
		w.tab.SetDoubtful(w.tab.Device(id).Session, true)
		if s := w.plain.seats[id]; s != nil {
			s.doubt = true
		}
	case 9:
		w.restart(e)
	case 10:
		w.dump(e)
	}
}

func (w *world) connect(e *edge) {
	id := w.ids[w.rng.IntN(len(w.ids))]
	p := &linkpb.Session{
		Conn: uint64(w.rng.IntN(20)), Tenant: id.Tenant, User: id.User, Device: id.Device,
		Epoch: w.now.UnixMilli() + int64(w.rng.IntN(2100)), Background: w.rng.IntN(2) == 0,
	}
	if old := e.sessions[p.Conn]; old != nil && w.rng.IntN(2) == 0 {
		p.Tenant, p.User, p.Device, p.Epoch = old.Tenant, old.User, old.Device, old.Epoch
	}
	w.apply(e, e.add(p))
	w.plain.add(e, p, w.now)
}

func (w *world) apply(e *edge, b *linkpb.SessionBatch) {
	b.Site = "site-" + e.name
	if r, _ := w.tab.Apply(b, w.now, nil); r != Applied {
		w.t.Fatalf("seed %d: batch of %s: result %d", w.seed, e.name, r)
	}
}

// restart has the edge come back as another process, or fall silent first.
func (w *world) restart(e *edge) {
	if w.rng.IntN(2) == 0 {
		w.tab.Forget(e.name, w.now)
	}
	w.plain.forget(e, "site-"+e.name, w.now)
	w.inc++
	*e = *newEdge(e.name, w.inc)
	w.apply(e, e.beat())
}

// dump has a batch get lost and the edge tell all anew, in parts of which
// the first attempt breaks off.
func (w *world) dump(e *edge) {
	conns := slices.Sorted(maps.Keys(e.sessions))
	if len(conns) == 0 {
		return
	}
	e.batch(nil, conns[0]) // lost
	w.plain.remove(e, conns[0])
	if r, _ := w.tab.Apply(e.beat(), w.now, nil); r != Gap {
		w.t.Fatalf("seed %d: result %d", w.seed, r)
	}
	for attempt := range 2 {
		parts := e.dump(w.tab.DumpNeeds(w.now)[0].ID, 2)
		if attempt == 0 {
			parts = parts[:len(parts)-1]
		}
		whole := false
		for _, p := range parts {
			whole, _ = w.tab.TakeDump(p, w.now, nil)
		}
		if whole != (attempt == 1) {
			w.t.Fatalf("seed %d: attempt %d: whole %v", w.seed, attempt, whole)
		}
		w.now = w.now.Add(dumpRetry)
	}
}

func (w *world) compare() {
	byUser := map[UserID][]Device{}
	for _, id := range slices.Compact(slices.SortedFunc(slices.Values(w.ids), byName)) {
		want, got := w.plain.device(id, w.now), w.tab.Device(id)
		if name := got.Lost.Edge; name != "" && w.now.Sub(got.Lost.At) >= LostFor {
			got.Lost = Lost{} // one more tick and it is gone
		}
		if s := w.plain.seats[id]; got.Session.Exists() {
			name, inc := got.Session.Edge()
			if s == nil || name != s.edge.name || inc != s.edge.inc || !w.tab.Live(got.Session) {
				w.t.Fatalf("seed %d: %v has a session at %s %d", w.seed, id, name, inc)
			}
			if x, of := w.tab.Session(name, inc, got.Session.Conn); x != got.Session || of != id {
				w.t.Fatalf("seed %d: connection %d is %v of %v", w.seed, got.Session.Conn, x, of)
			}
			got.Session.slot = nil
		}
		if got != want {
			w.t.Fatalf("seed %d: %v is %+v, want %+v", w.seed, id, got, want)
		}
		if want.HasToken || want.Session != (Session{}) {
			byUser[id.UserID] = append(byUser[id.UserID], want)
		}
	}
	for _, id := range w.ids {
		w.compareUser(id.UserID, byUser[id.UserID])
	}
	sessions := 0
	for _, e := range w.edges {
		sessions += len(w.plain.sessions[e.name])
		w.compareEcho(e)
	}
	if w.tab.Sessions() != sessions {
		w.t.Fatalf("seed %d: %d sessions, want %d", w.seed, w.tab.Sessions(), sessions)
	}
}

func (w *world) compareUser(id UserID, want []Device) {
	got := w.tab.Devices(nil, id)
	slices.SortFunc(got, func(a, b Device) int { return byName(ID("", "", a.Name), ID("", "", b.Name)) })
	equal := slices.EqualFunc(got, want, func(a, b Device) bool {
		return a.Name == b.Name && a.HasToken == b.HasToken && a.Session.Conn == b.Session.Conn && a.Session.Epoch == b.Session.Epoch
	})
	if !equal {
		w.t.Fatalf("seed %d: %v has %+v, want %+v", w.seed, id, got, want)
	}
}

func (w *world) compareEcho(e *edge) {
	var want []uint64
	for conn, s := range w.plain.sessions[e.name] {
		if s.closed {
			want = append(want, conn)
		}
	}
	echo, ok := w.tab.Echo(e.name)
	got := append(echo.Superseded, echo.Refused...)
	slices.Sort(got)
	slices.Sort(want)
	if !ok || echo.Seq != e.seq || !slices.Equal(got, want) {
		w.t.Fatalf("seed %d: %s is told %+v, want %v of %d", w.seed, e.name, echo, want, e.seq)
	}
}

// empty takes everything away again: nothing is left behind.
func (w *world) empty() {
	for _, e := range w.edges {
		w.tab.Forget(e.name, w.now)
	}
	for _, id := range w.ids {
		w.tab.DeleteRecord(id)
	}
	w.tab.Tick(w.now.Add(2 * LostFor))
	left := 0
	for _, p := range w.tab.arena.sizes {
		left += int(p.next) - len(p.free)
	}
	if tab := w.tab; tab.devices.len()+tab.sessions.len()+tab.users.len()+len(tab.tenants.numbers)+tab.Records()+left != 0 {
		w.t.Fatalf("seed %d: left behind %d devices, %d sessions, %d users, %d tenants, %d names",
			w.seed, tab.devices.len(), tab.sessions.len(), tab.users.len(), len(tab.tenants.numbers), left)
	}
}

func byName(a, b DeviceID) int {
	return slices.Compare([]string{a.Tenant, a.User, a.Device}, []string{b.Tenant, b.User, b.Device})
}

func (x *index) len() (n int) {
	for i := range x.shards {
		n += x.shards[i].n
	}
	return n
}

func (s *slab[T]) len() int { return int(s.last) - len(s.free) }
