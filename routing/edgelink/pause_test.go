package edgelink

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/linkpb"
)

// What happens in the pauses of whoever goes over all sessions is neither lost
// nor told twice: a dump fits its number, the batches behind it fit the dump,
// and a resync counts what it tells of.
func TestPausesLoseNothing(t *testing.T) {
	for seed := range uint64(300) {
		rnd := rand.New(rand.NewPCG(seed, 2))
		tab := newTable()
		tab.stride = 1
		p := &pauses{rnd: rnd, tab: &tab}
		for range 100 {
			p.change()
		}
		tab.cut(nil, func(*entry) {})
		for round := range 6 {
			tab.pause = p.change
			switch {
			case tab.parked:
				tab.resync()
			case round%3 == 0:
				tab.park()
				tab.resync()
			case round%3 == 1:
				v := verifier{timing: Timing{}.withDefaults()}
				v.start(&tab, time.Now())
				p.swept(t, &v)
			}
			p.counted(t)
			if !tab.parked {
				p.dumped(t)
			}
		}
	}
}

// A resync that comes while a sweep begins, and ends before or after it, leaves
// no session that nobody is going to ask for.
func TestResyncDuringTheStartOfASweep(t *testing.T) {
	const conns, after = 100, 30
	now := time.Now()
	for _, first := range []string{"start", "resync"} {
		tab, v := newTable(), verifier{timing: Timing{}.withDefaults()}
		for conn := uint64(1); conn <= conns; conn++ {
			tab.register(testSession(conn))
		}
		tab.cut(nil, func(*entry) {})
		tab.stride = 1
		resync := func() {
			v.restart(now)
			tab.resync()
			v.restart(now)
		}
		passed, inner, outer := 0, resync, func() { v.start(&tab, now) }
		if first == "resync" {
			inner, outer = func() { v.advance(&tab, &presence{}, now.Add(time.Minute)) }, resync
		}
		tab.pause = func() {
			if passed++; passed == after {
				tab.pause = nil
				inner()
			}
		}
		outer()
		v.restart(now) // where the resync ended last
		v.start(&tab, now)
		if n := len(v.sweep.order); n != conns {
			t.Errorf("%s first: %d of %d sessions are swept", first, n, conns)
		}
	}
}

// pauses change a table.
type pauses struct {
	rnd   *rand.Rand
	tab   *table
	conns uint64
	cuts  []*linkpb.SessionBatch
}

func (p *pauses) change() {
	switch n := p.rnd.IntN(100); {
	case n < 45 || p.conns == 0:
		p.conns++
		p.tab.register(testSession(p.conns))
	case n < 55:
		s := testSession(1 + p.rnd.Uint64N(p.conns))
		if s.Background = p.rnd.IntN(2) == 0; p.tab.live(s.Conn) != nil {
			p.tab.register(s)
		}
	case n < 90:
		p.tab.unregister(1 + p.rnd.Uint64N(p.conns))
	default:
		if e := p.tab.live(1 + p.rnd.Uint64N(p.conns)); e != nil && !e.verified {
			e.verified = true
			p.tab.unverified--
		}
	}
}

// changeAndTell also cuts batches, as may happen while a dump is made.
func (p *pauses) changeAndTell() {
	p.change()
	if p.rnd.IntN(4) > 0 {
		return
	}
	if b := p.tab.cut(nil, func(*entry) {}); b != nil {
		p.cuts = append(p.cuts, b)
	}
}

func (p *pauses) dumped(t *testing.T) {
	t.Helper()
	count, checksum := p.tab.count, p.tab.checksum
	p.tab.pause, p.cuts = p.changeAndTell, nil
	entries, seq, ok := p.tab.snapshot()
	p.tab.pause = nil
	if !ok {
		t.Fatal("no snapshot")
	}
	m := mirror{}
	for _, e := range entries {
		if m[e.conn] != nil {
			t.Fatalf("session %d is in a dump twice", e.conn)
		}
		m[e.conn] = e.proto()
	}
	m.check(t, seq, count, checksum)
	for _, b := range p.cuts {
		m.apply(t, b)
	}
}

// swept: the sweep reaches every session of before it.
func (p *pauses) swept(t *testing.T, v *verifier) {
	t.Helper()
	in := map[uint64]bool{}
	for _, conn := range v.sweep.order {
		if in[conn] {
			t.Fatalf("session %d is swept twice", conn)
		}
		in[conn] = true
	}
	for conn, e := range p.tab.sessions {
		if e.sweeping && !in[conn] {
			t.Fatalf("session %d is not swept", conn)
		}
		e.sweeping = false // for the next verifier
	}
}

func (p *pauses) counted(t *testing.T) {
	t.Helper()
	unverified := 0
	for _, e := range p.tab.sessions {
		if !e.gone && !e.verified {
			unverified++
		}
	}
	if unverified != p.tab.unverified {
		t.Fatalf("%d sessions are unverified, counted are %d", unverified, p.tab.unverified)
	}
}
