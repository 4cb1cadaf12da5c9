package online

import (
	"fmt"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing/table"
)

const wait = 10 * time.Second

var start = time.UnixMilli(1_800_000_000_000)

// fleet is some routers that see the same.
type fleet struct {
	t    *testing.T
	now  time.Time
	all  map[string]*Tracker
	dead map[string]bool
	told map[string][]Change
}

func newFleet(t *testing.T, names ...string) *fleet {
	f := &fleet{t: t, now: start, all: map[string]*Tracker{}, dead: map[string]bool{}, told: map[string][]Change{}}
	for _, n := range names {
		f.all[n] = New(n, func(tenant string) time.Duration {
			if tenant == "acme" {
				return wait
			}
			return 0
		})
	}
	f.pass(5 * time.Second)
	return f
}

// pass lets time go by, with beats.
func (f *fleet) pass(d time.Duration) {
	for end := f.now.Add(d); f.now.Before(end); f.now = f.now.Add(100 * time.Millisecond) {
		for name, t := range f.all {
			if f.dead[name] {
				continue
			}
			if f.now.Sub(start)%time.Second == 0 {
				for other := range f.all {
					if !f.dead[other] {
						t.Router(other, 1, true, f.now)
					}
				}
			}
			f.told[name] = append(f.told[name], t.Due(f.now, 1000)...)
		}
	}
}

func (f *fleet) each(do func(*Tracker)) {
	for name, t := range f.all {
		if !f.dead[name] {
			do(t)
		}
	}
}

func (f *fleet) began(device, edge string, epoch int64) {
	f.each(func(t *Tracker) { t.Began(table.ID("acme", "u", device), edge, 1, epoch, f.now) })
}

func (f *fleet) ended(device string) {
	f.each(func(t *Tracker) { t.Ended(table.ID("acme", "u", device), f.now) })
}

// take returns what was told of all routers, in words.
func (f *fleet) take() []string {
	var out []string
	for name, told := range f.told {
		for _, c := range told {
			out = append(out, fmt.Sprint(c.Device.Device, " ", c.Online, " ", c.Epoch))
		}
		f.told[name] = nil
	}
	return out
}

func (f *fleet) want(what ...string) {
	f.t.Helper()
	if got := f.take(); fmt.Sprint(got) != fmt.Sprint(what) {
		f.t.Errorf("told %q, want %q", got, what)
	}
}

func TestOneRouterTellsAfterTheDebounce(t *testing.T) {
	f := newFleet(t, "r1", "r2", "r3")
	f.began("d1", "e1", 7)
	f.pass(wait - time.Second)
	f.want()
	f.pass(2 * time.Second)
	f.want("d1 true 7")
	f.ended("d1")
	f.pass(wait + time.Second)
	f.want("d1 false 7")
	f.each(func(tr *Tracker) {
		f.pass(time.Second)
		if len(tr.devices) != 0 || len(tr.edges) != 0 {
			t.Errorf("%d devices are still followed", len(tr.devices))
		}
	})
}

func TestReconnectingIsNotTold(t *testing.T) {
	f := newFleet(t, "r1", "r2")
	f.began("d1", "e1", 7)
	f.pass(wait + time.Second)
	f.want("d1 true 7")
	f.ended("d1")
	f.pass(wait / 2)
	f.began("d1", "e2", 8)
	f.began("d1", "e1", 9) // without an end between: another edge
	f.pass(2 * wait)
	f.want()
	// Somebody who only looks in.
	f.began("d2", "e1", 7)
	f.pass(wait / 2)
	f.ended("d2")
	f.pass(2 * wait)
	f.want()
	// To and fro: told once it lasted.
	f.ended("d1")
	f.pass(wait - time.Second)
	f.began("d1", "e1", 10)
	f.ended("d1")
	f.pass(wait - time.Second)
	f.want()
	f.pass(2 * time.Second)
	f.want("d1 false 10")
}

// Each router asks for itself whether it is the first, at moments of its own,
// and may not have heard of the other yet.
func TestSomeRouterIsTheFirst(t *testing.T) {
	knows := func(self string, others ...string) *Tracker {
		tr := New(self, nil)
		for _, other := range others {
			tr.Router(other, 1, true, start)
		}
		return tr
	}
	for i := range 100 {
		id := table.ID("acme", "u", fmt.Sprint(i))
		for _, pair := range [][2]*Tracker{
			{knows("r1", "r1", "r2"), knows("r2", "r1", "r2")},
			{knows("r1", "r1"), knows("r2", "r1", "r2")},
			{knows("r1", "r1", "r2"), knows("r2", "r2")},
			{knows("r1", "r1", "r2"), knows("r2", "r1")}, // its own beat is on its way
			{knows("r1"), knows("r2")},
		} {
			if !pair[0].First(id, start) && !pair[1].First(id, start.Add(time.Second)) {
				t.Fatalf("no router acts for %v", id)
			}
		}
		one, two := knows("r1", "r1", "r2"), knows("r2", "r1", "r2")
		if one.First(id, start) == two.First(id, start) {
			t.Errorf("both act for %v though they know each other, or none", id)
		}
		if later := start.Add(silence); !one.First(id, later) || !two.First(id, later) {
			t.Errorf("a router leaves %v to one that is dead", id)
		}
		two.Router("r1", 1, false, start)
		if !two.First(id, start) {
			t.Errorf("a router leaves %v to one that is not complete", id)
		}
	}
}

func TestOtherTenantsAreNotFollowed(t *testing.T) {
	f := newFleet(t, "r1")
	f.all["r1"].Began(table.ID("globex", "u", "d"), "e1", 1, 7, f.now)
	if n := len(f.all["r1"].devices); n != 0 {
		t.Errorf("%d devices are followed", n)
	}
}

// A router that dies with changes to tell is stood in for.
func TestDeadRoutersAreStoodInFor(t *testing.T) {
	f := newFleet(t, "r1", "r2", "r3")
	for i := range 100 {
		f.began(fmt.Sprint("d", i), "e1", 7)
	}
	f.pass(wait - 2500*time.Millisecond) // its silence shows only after they are due
	f.dead["r1"] = true
	f.pass(wait)
	seen := map[string]int{}
	for _, s := range f.take() {
		seen[s]++
	}
	if len(seen) != 100 {
		t.Errorf("%d changes were told, want 100", len(seen))
	}
	f.each(func(tr *Tracker) {
		if len(tr.handed) != 0 || tr.Unhealed != 0 {
			t.Errorf("%d changes are still remembered", len(tr.handed))
		}
	})
}

// What a router finds when it starts is no news, and it tells nothing that
// happened before.
func TestStart(t *testing.T) {
	f := newFleet(t, "r1")
	f.began("d1", "e1", 7)
	f.pass(wait - time.Second)
	late := New("r2", f.all["r1"].debounce)
	late.Began(table.ID("acme", "u", "d1"), "e1", 1, 7, f.now)
	f.all["r2"] = late
	f.pass(wait)
	f.want("d1 true 7")
	f.ended("d1")
	f.pass(wait + time.Second)
	f.want("d1 false 7")
}

func TestEdgeLost(t *testing.T) {
	f := newFleet(t, "r1", "r2")
	for i := range 50 {
		f.began(fmt.Sprint("d", i), "e1", 7)
	}
	f.began("other", "e2", 7)
	f.pass(wait + time.Second)
	f.take()
	f.each(func(tr *Tracker) { tr.EdgeLost("e1", f.now) })
	f.began("d0", "e2", 8)
	f.pass(wait + time.Second)
	if got := f.take(); len(got) != 49 {
		t.Errorf("%d changes were told, want those of 49 devices", len(got))
	}
	// An edge that starts anew lost its devices too.
	f.each(func(tr *Tracker) { tr.Edge("e2", 2, f.now) })
	f.pass(wait + time.Second)
	if got := f.take(); len(got) != 2 {
		t.Errorf("told %q, want 2", got)
	}
}

// No more than asked for at once, and nothing is forgotten.
func TestPaced(t *testing.T) {
	f := newFleet(t, "r1")
	tr := f.all["r1"]
	for i := range 1000 {
		f.began(fmt.Sprint("d", i), "e1", 7)
	}
	f.now = f.now.Add(wait)
	tr.Router("r1", 1, true, f.now)
	for left := 1000; left > 0; left -= 100 {
		if got := len(tr.Due(f.now, 100)); got != 100 {
			t.Fatalf("%d changes at once, want 100", got)
		}
	}
	if got := tr.Due(f.now, 100); len(got) != 0 {
		t.Errorf("%d more", len(got))
	}
}
