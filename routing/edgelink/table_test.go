package edgelink

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

func testSession(conn uint64) Session {
	return Session{Conn: conn, Tenant: "acme", User: fmt.Sprint("u", conn), Device: "d1", Epoch: int64(conn)}
}

// mirror is what somebody knows who applies all batches.
type mirror map[uint64]*linkpb.Session

func (m mirror) apply(t *testing.T, b *linkpb.SessionBatch) {
	t.Helper()
	for _, s := range b.GetAdded() {
		m[s.GetConn()] = s
	}
	for _, c := range b.GetRemoved() {
		if m[c] == nil {
			t.Errorf("batch %d removes %d, which was never told of", b.GetSeq(), c)
		}
		delete(m, c)
	}
	m.check(t, b.GetSeq(), b.GetCount(), b.GetChecksum())
}

func (m mirror) check(t *testing.T, seq, count, checksum uint64) {
	t.Helper()
	var sum uint64
	for _, s := range m {
		sum += sessionsum.Of(s.GetConn(), s.GetTenant(), s.GetUser(), s.GetDevice(), s.GetEpoch())
	}
	if uint64(len(m)) != count || sum != checksum {
		t.Fatalf("batch %d: count %d and sum %x, but its followers have %d and %x", seq, count, checksum, len(m), sum)
	}
}

// Whatever happens in whatever order: batches have consecutive numbers, and
// count, sum and dumps fit what the batches told.
func TestTableIsConsistent(t *testing.T) {
	for seed := range uint64(200) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		tab, m := newTable(), mirror{}
		var conns uint64
		for range 300 {
			switch p := rnd.IntN(100); {
			case p < 45:
				conns++
				tab.register(testSession(conns))
			case p < 55 && conns > 0:
				s := testSession(1 + rnd.Uint64N(conns))
				if s.Background = rnd.IntN(2) == 0; tab.live(s.Conn) != nil {
					tab.register(s)
				}
			case p < 80 && conns > 0:
				tab.unregister(1 + rnd.Uint64N(conns))
			case p < 82:
				tab.park()
			case p < 84 && tab.parked:
				tab.resync()
				m = dumped(t, &tab)
			case !tab.parked:
				seq := tab.seq
				if b := tab.cut(nil, func(*entry) {}); b != nil {
					if b.GetSeq() != seq+1 {
						t.Fatalf("seed %d: batch %d follows %d", seed, b.GetSeq(), seq)
					}
					m.apply(t, b)
				}
			}
			if !tab.parked && rnd.IntN(10) == 0 {
				dumped(t, &tab)
			}
		}
	}
}

func dumped(t *testing.T, tab *table) mirror {
	t.Helper()
	m := mirror{}
	entries, seq, ok := tab.snapshot()
	if !ok {
		t.Fatal("no snapshot")
	}
	for _, e := range entries {
		m[e.conn] = e.proto()
	}
	m.check(t, seq, tab.count, tab.checksum)
	return m
}

// A session that begins and ends between two batches is never told of.
func TestShortSessionIsNotTold(t *testing.T) {
	tab := newTable()
	tab.register(testSession(1))
	tab.unregister(1)
	if b := tab.cut(nil, func(*entry) {}); b != nil {
		t.Errorf("batch %v", b)
	}
	if len(tab.sessions) != 0 || tab.unverified != 0 {
		t.Errorf("%d sessions are left, %d unverified", len(tab.sessions), tab.unverified)
	}
}

// However long nobody drains it, the table holds the sessions and no more.
func TestTableIsBounded(t *testing.T) {
	tab := newTable()
	for c := uint64(1); c <= 3*maxChanges; c++ {
		tab.register(testSession(c))
		tab.unregister(c)
	}
	if n := tab.changes.len() + tab.removed.len(); n > maxChanges {
		t.Errorf("%d changes wait, at most %d may", n, maxChanges)
	}
	if len(tab.sessions) != 0 {
		t.Errorf("%d sessions are left", len(tab.sessions))
	}
	if !tab.parked {
		t.Error("the routers get no dump")
	}
}

func TestBatchesAreBounded(t *testing.T) {
	tab := newTable()
	for c := uint64(1); c <= 5000; c++ {
		tab.register(testSession(c))
	}
	told := 0
	for b := tab.cut(nil, func(*entry) { told++ }); b != nil; b = tab.cut(nil, func(*entry) { told++ }) {
		if n := len(b.GetAdded()); n > maxMessage/32 {
			t.Errorf("a batch tells of %d sessions", n)
		}
	}
	if told != 5000 {
		t.Errorf("told of %d sessions", told)
	}
	if tab.seq < 10 {
		t.Errorf("only %d batches", tab.seq)
	}
}

func TestPresence(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPresence(3 * time.Second)
	want := func(seq uint64, ok bool) {
		t.Helper()
		if gotSeq, gotOK := p.echoed(now); gotOK != ok || ok && gotSeq != seq {
			t.Errorf("echoed %d, %v, want %d, %v", gotSeq, gotOK, seq, ok)
		}
	}
	want(0, false)
	p.echo("r1", 1, 5, now) // an echo does not make a router present
	want(0, false)
	if !p.beat("r1", 1, true, now) {
		t.Error("r1 did not become complete")
	}
	if p.beat("r1", 1, true, now) {
		t.Error("r1 became complete twice")
	}
	want(5, true)
	p.echo("r1", 1, 4, now) // late
	want(5, true)
	p.beat("r2", 1, false, now)
	want(5, true)
	p.asks("r2", 1, now)
	want(0, true)
	p.echo("r2", 1, 7, now)
	want(5, true)
	now = now.Add(2 * time.Second)
	p.beat("r2", 1, true, now)
	now = now.Add(2 * time.Second)
	want(7, true) // r1 fell silent
	if !p.beat("r1", 1, true, now) {
		t.Error("r1 came back without becoming complete")
	}
	p.beat("r2", 2, false, now) // a new process
	p.echo("r2", 1, 9, now)     // the old one's last word
	want(5, true)
	p.leave("r1", 1)
	want(0, false)
	now = now.Add(4 * time.Second)
	if n := p.expire(now); n != 0 || len(p.routers) != 0 {
		t.Errorf("%d complete, %d kept", n, len(p.routers))
	}
	for i := range 2 * maxRouters {
		p.beat(fmt.Sprint("x", i), 1, true, now)
	}
	if len(p.routers) > maxRouters {
		t.Errorf("%d routers are kept", len(p.routers))
	}
}

// Routers that become complete one after the other must not keep the last
// sessions waiting: every session is reached within a window of the trigger.
func TestSweepIsPacedAndFair(t *testing.T) {
	const n = 3000
	now := time.Unix(1000, 0)
	tab, p := newTable(), newPresence(time.Hour)
	v := verifier{timing: Timing{Window: 3 * time.Second}}
	for c := uint64(1); c <= n; c++ {
		tab.register(testSession(c))
	}
	for b := tab.cut(nil, func(e *entry) { v.wait(e, e.need) }); b != nil; b = tab.cut(nil, func(e *entry) { v.wait(e, e.need) }) {
	}
	p.beat("r1", 1, true, now)
	p.echo("r1", 1, tab.seq, now)
	asked := map[uint64]time.Time{}
	step := func() (done int) {
		v.advance(&tab, &p, now)
		for s, _ := v.take(&tab, 1<<20); len(s) > 0; s, _ = v.take(&tab, 1<<20) {
			for _, x := range s {
				asked[x.Conn] = now
			}
			done += len(s)
		}
		now = now.Add(50 * time.Millisecond)
		return done
	}
	if done := step(); done != n {
		t.Fatalf("%d sessions asked for at first, want %d", done, n)
	}
	began := now
	for i := range 110 {
		if i%20 == 0 && i < 60 {
			v.wanted = true
			began = now
		}
		if done := step(); done > n/20 {
			t.Fatalf("%d sessions were asked for at once", done)
		}
	}
	for c, at := range asked {
		if at.Before(began) {
			t.Fatalf("session %d was last asked for %v before the last trigger", c, began.Sub(at))
		}
	}
}

func TestFifo(t *testing.T) {
	var q fifo[int]
	next := 0
	for i := range 100_000 {
		q.push(i)
		if i%3 != 0 {
			if got := q.pop(); got != next {
				t.Fatalf("got %d, want %d", got, next)
			}
			next++
		}
	}
	for q.len() > 0 {
		if got := *q.front(); got != next || q.pop() != next {
			t.Fatalf("got %d, want %d", got, next)
		}
		next++
	}
	if next != 100_000 || cap(q.items) > 4096 {
		t.Errorf("%d came out, %d places are kept", next, cap(q.items))
	}
}

// Before every router's beat had its time to come, the routers that were
// heard are not all there are.
func TestNothingIsVerifiedBeforeSettling(t *testing.T) {
	now := time.Unix(1000, 0)
	tab, p := newTable(), newPresence(time.Hour)
	v := verifier{timing: Timing{Window: time.Second, Settle: 2 * time.Second}}
	tab.register(testSession(1))
	tab.cut(nil, func(e *entry) { v.wait(e, e.need) })
	tab.resync()
	v.restart(now)
	p.beat("r1", 1, true, now)
	p.echo("r1", 1, tab.seq, now)
	if ready, again := v.advance(&tab, &p, now.Add(time.Second)); ready != 0 || again != time.Second {
		t.Errorf("%d ready after 1 s, more in %v", ready, again)
	}
	if ready, _ := v.advance(&tab, &p, now.Add(2*time.Second)); ready != 1 {
		t.Errorf("%d ready after 2 s", ready)
	}
}

func TestStuckRoutersAreNamed(t *testing.T) {
	now := time.Unix(1000, 0)
	tab, p := newTable(), newPresence(time.Hour)
	v := verifier{timing: Timing{Window: time.Second}}
	v.advance(&tab, &p, now)
	tab.register(testSession(1))
	tab.cut(nil, func(e *entry) { v.wait(e, e.need) })
	p.beat("r1", 1, true, now)
	p.beat("r2", 1, true, now)
	p.echo("r2", 1, tab.seq, now)
	v.advance(&tab, &p, now)
	if got := v.stuck(&p, now.Add(time.Second)); got != nil {
		t.Errorf("%v named after 1 s", got)
	}
	now = now.Add(stuckAfter)
	if got := v.stuck(&p, now); len(got) != 1 || got[0] != "r1" {
		t.Errorf("%v named, want r1", got)
	}
	if got := v.stuck(&p, now.Add(time.Second)); got != nil {
		t.Errorf("%v named again at once", got)
	}
}

// Whom the edge asks: a complete router that beat just now, first one of its
// own site, and not the one that did not answer if there is another.
func TestFreshRouter(t *testing.T) {
	t0 := time.Now()
	p := newPresence(3 * time.Second)
	beat := func(name, site string, complete bool, at time.Time) {
		p.beat(name, 1, complete, at)
		p.stands(name, 1, site)
	}
	beat("here", "hk", true, t0)
	beat("here2", "hk", true, t0)
	beat("far", "sg", true, t0)
	beat("starting", "hk", false, t0)
	const within = 1500 * time.Millisecond
	for _, tt := range []struct {
		besides string
		after   time.Duration
		renew   string
		want    []string
	}{
		{"", 0, "", []string{"here", "here2"}},
		{"here", 0, "", []string{"here2"}},
		{"", within, "", []string{""}},
		{"", within, "far", []string{"far"}},
		{"far", within, "far", []string{"far"}},
		{"far", within, "here", []string{"here"}},
		{"here", within, "here", []string{"far"}},
	} {
		now := t0.Add(tt.after)
		if tt.renew != "" {
			p.routers[tt.renew].seen = now
		}
		seen := map[string]bool{}
		for range 50 {
			seen[p.fresh("hk", tt.besides, within, now)] = true
		}
		if got := slices.Sorted(maps.Keys(seen)); !slices.Equal(got, tt.want) {
			t.Errorf("besides %q after %v: %q, want %q", tt.besides, tt.after, got, tt.want)
		}
	}
}
