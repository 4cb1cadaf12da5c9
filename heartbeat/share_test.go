package heartbeat

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
	"time"
)

var t0 = time.Unix(1_800_000_000, 0)

// teachSafe has a number of devices show that a path keeps a silence.
func teachSafe(l *Learner, p Path, devices int, silence time.Duration) {
	for i := range devices {
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(i + 1)}, State: State{Background: true}})
		l.Probed(t0, &v, silence)
		l.Heard(t0, &v, time.Second)
		l.Closed(t0, &v, EndOther, 0)
	}
}

func TestWhatOneLearnsAnotherKnows(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	a, b := NewLearner(t0, Options{}), NewLearner(t0, Options{})
	teachSafe(a, p, 200, 1000*time.Second)
	learned, cold := a.Look(t0, p).Interval, b.Look(t0, p).Interval
	if learned < 900*time.Second || cold > 400*time.Second {
		t.Fatalf("the interval is %v where it was learned and %v where not", learned, cold)
	}
	var stored []byte
	for _, path := range a.Unshared(nil, 100) {
		delta, ok := a.Export(t0, path)
		if !ok {
			t.Errorf("%v is unshared and has nothing to export", path.Key())
		}
		if path != p {
			continue
		}
		var err error
		if stored, err = Merge(stored, delta); err != nil {
			t.Fatal(err)
		}
	}
	if got := a.Unshared(nil, 100); len(got) != 0 {
		t.Errorf("all was exported and %v is unshared", got)
	}
	for _, l := range []*Learner{a, b} {
		if err := l.Import(t0, p, stored); err != nil {
			t.Fatal(err)
		}
		if got := l.Look(t0, p).Interval; got < learned*9/10 || got > learned*11/10 {
			t.Errorf("after the import the interval is %v, want about %v", got, learned)
		}
	}
	if got := b.Unshared(nil, 100); len(got) != 0 {
		t.Errorf("what was imported is unshared: %v", got)
	}
}

func TestTheStoreAway(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	l := NewLearner(t0, Options{})
	teachSafe(l, p, 50, 500*time.Second)
	first, _ := l.Export(t0, p)
	if err := l.Restore(t0, p, first); err != nil {
		t.Fatal(err)
	}
	again, ok := l.Export(t0, p)
	if !ok || !bytes.Equal(first, again) {
		t.Errorf("what was restored is exported as %x, want %x", again, first)
	}
}

// An alarm of one edge takes back what another one knew before it.
func TestAlarmsAreShared(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	old, alarmed := NewLearner(t0, Options{}), NewLearner(t0, Options{})
	teachSafe(old, p, 200, 660*time.Second)
	stored, _ := old.Export(t0, p)
	if err := alarmed.Import(t0, p, stored); err != nil {
		t.Fatal(err)
	}
	views := make([]View, 16) // more than a household
	for i := range views {
		views[i] = alarmed.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(1000 + i)}})
		alarmed.Next(t0, &views[i], 0.9)
	}
	for i := range views {
		alarmed.Probed(t0, &views[i], 580*time.Second)
		alarmed.Heard(t0, &views[i], 8*time.Second)
	}
	if got := alarmed.Stats().Alarms; got == 0 {
		t.Fatalf("no alarm: %+v %+v", alarmed.Stats(), alarmed.Look(t0, p))
	}
	delta, _ := alarmed.Export(t0, p)
	merged, err := Merge(stored, delta)
	if err != nil {
		t.Fatal(err)
	}
	before := old.Look(t0, p).Interval
	if err := old.Import(t0, p, merged); err != nil {
		t.Fatal(err)
	}
	if got := old.Look(t0, p).Interval; got > 300*time.Second {
		t.Errorf("after another edge's alarm the interval is %v, want at most 5m (before: %v)", got, before)
	}
}

func TestGarbage(t *testing.T) {
	l := NewLearner(t0, Options{})
	p := Path{Radio: WiFi, Network: Network{9}}
	for _, b := range [][]byte{nil, {}, {0}, {1}, {1, 1}, bytes.Repeat([]byte{255}, 40), make([]byte, MaxSnapshot+1), append([]byte{1, 0, 0, 0, 0, 119, 2}, 1, 1, 1, 1)} {
		if err := l.Import(t0, p, b); !errors.Is(err, ErrSnapshot) {
			t.Errorf("Import(%x) = %v, want ErrSnapshot", b, err)
		}
	}
	if got := l.Stats(); got.Garbage != 8 || got.Cells != 0 {
		t.Errorf("8 snapshots were garbage; counted %d, and %d networks were made of them", got.Garbage, got.Cells)
	}
	good := (&record{at: 1, evidence: evidence{kept: [buckets]float32{3: 7}}}).encode()
	for _, pair := range [][2][]byte{{good, {2}}, {{2}, good}} {
		if got, err := Merge(pair[0], pair[1]); !errors.Is(err, ErrSnapshot) || !bytes.Equal(got, good) {
			t.Errorf("Merge(%x, %x) = %x, %v, want the one that can be read, and an error", pair[0], pair[1], got, err)
		}
	}
}

// A clock that is far ahead makes nobody's evidence old, and what it says has
// changed takes nothing back that others saw meanwhile.
func TestSnapshotOfTheFuture(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	for name, future := range map[string]*record{
		"its evidence": {at: maxTime},
		"an alarm":     {at: maxTime, alarmAt: maxTime, cap: 30, alarms: 1},
		"a renewal":    {at: maxTime, renewedAt: maxTime, renewedFrom: gridMin},
	} {
		l := NewLearner(t0, Options{})
		teachSafe(l, p, 100, 300*time.Second)
		l.die(t0, p, 1000, 30, 7, 7)
		want, deaths := l.Look(t0, p).Interval, l.Look(t0, p).Deaths
		if err := l.Import(t0, p, future.encode()); err != nil {
			t.Fatal(err)
		}
		v := l.Open(t0, Arrival{Path: p})
		if got := l.Next(t0, &v, 0).Interval; got < want*9/10 || got > want*11/10 {
			t.Errorf("%s: the interval was %v and is %v", name, want, got)
		}
		if got := l.Look(t0, p).Deaths; got < deaths*9/10 {
			t.Errorf("%s: of deaths of %.1f, %.1f are left", name, deaths, got)
		}
	}
}

func FuzzSnapshot(f *testing.F) {
	rng := rand.New(rand.NewPCG(1, 1))
	r := &record{at: 1.8e9, alarmAt: 1.7e9, cap: 150, alarms: 2}
	for k := range r.kept {
		r.kept[k], r.died[k] = rng.Float32()*100, rng.Float32()
	}
	f.Add(r.encode(), (&record{}).encode())
	f.Add([]byte{1}, []byte{})
	f.Fuzz(func(t *testing.T, a, b []byte) {
		merged, err := Merge(a, b)
		if err != nil {
			return
		}
		if len(merged) > MaxSnapshot {
			t.Fatalf("%d bytes", len(merged))
		}
		if len(merged) == 0 {
			return
		}
		l := NewLearner(t0, Options{})
		if err := l.Import(t0, Path{}, merged); err != nil {
			t.Fatalf("what was merged cannot be imported: %v", err)
		}
		v := l.Open(t0, Arrival{State: State{Background: true}})
		if plan := l.Next(t0, &v, 0.5); plan.Interval < Min || plan.Interval > Max || plan.Probe < 0 || plan.Probe > plan.Interval {
			t.Fatalf("the plan is %v", plan)
		}
	})
}

// What others tell of networks that nobody here is in does not push out one
// that somebody is in.
func TestImportSparesNetworksInUse(t *testing.T) {
	other, l := NewLearner(t0, Options{}), NewLearner(t0, Options{MaxCells: 640})
	far, home := Path{Radio: Cell4G, Network: Network{1}}, Path{Radio: WiFi, Network: Network{9}}
	teachSafe(other, far, 20, 500*time.Second)
	snapshot, _ := other.Export(t0, far)
	teachSafe(l, home, 200, 1000*time.Second)
	v := l.Open(t0, Arrival{Path: home})
	for i := range 20_000 {
		far.Network = Network{byte(i), byte(i >> 8), byte(i >> 16), 1, 15: 7}
		if err := l.Import(t0, far, snapshot); err != nil {
			t.Fatal(err)
		}
	}
	if plan := l.Next(t0, &v, 0.5); plan.Interval < 900*time.Second || l.Stats().Cells < 600 {
		t.Errorf("the interval is %v, with %d networks", plan.Interval, l.Stats().Cells)
	}
}

// A network that was removed from the store is known anew from the next sum on.
func TestRemovedIsForgotten(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	a, b := NewLearner(t0, Options{}), NewLearner(t0, Options{})
	teachSafe(a, p, 200, 1500*time.Second)
	a.Export(t0, p)
	teachSafe(b, p, 3, 100*time.Second)
	sum, _ := b.Export(t0, p)
	if err := a.Import(t0, p, sum); err != nil {
		t.Fatal(err)
	}
	if got := a.Look(t0, p); got.Tested > 4 || got.Interval > 600*time.Second {
		t.Errorf("%v connections are remembered, the interval is %v", got.Tested, got.Interval)
	}
}

// Where deaths began is shared with where they ended, with those who know no
// such thing, too.
func TestSnapshotOfSpells(t *testing.T) {
	r := &record{at: 1.8e9}
	for k := range buckets {
		r.kept[k] = 500
	}
	r.perish(10, 20, 3)
	r.perish(20, 119, 2)
	b := r.encode()
	got, err := decode(b)
	if err != nil || got.from != r.from || got.died != r.died {
		t.Errorf("decode = %v, %v; want what was encoded", got, err)
	}
	for k := range buckets {
		r.kept[k], r.died[k], r.from[k] = maxEvidence, maxEvidence, maxEvidence
	}
	if b := r.encode(); len(b) > MaxSnapshot {
		t.Errorf("%d bytes, more than %d", len(b), MaxSnapshot)
	}
	if _, err := Merge(b, r.encode()); err != nil {
		t.Error(err)
	}
}

// What an edge found to have changed takes back what others knew before, and
// nothing of what is learned since, however often that comes back to it.
func TestChangeTakesBackWhatWasBefore(t *testing.T) {
	p, later := Path{Radio: Cell4G, Network: Network{1}}, t0.Add(time.Hour)
	for name, change := range map[string]func(*Learner){
		"stricter": func(l *Learner) { alarmed(t, l, p) },
		"more generous": func(l *Learner) {
			teachSafe(l, p, 1, 300*time.Second)
			c, unlock := l.look(p)
			defer unlock()
			c.renew(l.stamp(0.7), 100)
		},
	} {
		t.Run(name, func(t *testing.T) {
			l := NewLearner(t0, Options{})
			change(l)
			c, unlock := l.look(p)
			k := floorBucket(300)
			for range 50 {
				c.survived(-1, k)
				c.perished(k-1, k, 1)
			}
			kept, died := c.kept[k], c.died[k]
			unlock()
			delta, _ := l.Export(later, p)
			if err := l.Import(later, p, delta); err != nil {
				t.Fatal(err)
			}
			if c.kept[k] < 0.9*kept || c.died[k] < 0.9*died {
				t.Errorf("of %.1f that were kept and %.1f that died, %.1f and %.1f are left", kept, died, c.kept[k], c.died[k])
			}
		})
	}
}
