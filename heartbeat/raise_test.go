package heartbeat

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// cramped is a network that was seen to keep 290 s and not 325 s.
func cramped(l *Learner, p Path) {
	teachSafe(l, p, 100, 290*time.Second)
	for i := range 30 {
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(5000 + i)}, State: State{Background: true}})
		l.Probed(t0, &v, 325*time.Second)
		l.Heard(t0, &v, 8*time.Second)
	}
}

// tryWell lets as many devices try a silence, and returns how many tries went
// well until deaths were taken back.
func tryWell(l *Learner, p Path, devices int) (tries int) {
	for i := range devices {
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(9000 + i)}, State: State{Background: true}})
		v.set(upward, true)
		l.Probed(t0, &v, 340*time.Second)
		l.Heard(t0, &v, 80*time.Millisecond)
		if l.Stats().Raises > 0 {
			return i + 1
		}
	}
	return devices + 1
}

// A network that keeps more than it did is believed that after three tries, and
// not after one; what other edges knew of deaths is taken back with it.
func TestRenewalsAreShared(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	old, renewed := NewLearner(t0, Options{}), NewLearner(t0, Options{})
	cramped(old, p)
	stored, _ := old.Export(t0, p)
	if err := renewed.Import(t0, p, stored); err != nil {
		t.Fatal(err)
	}
	before, _ := old.died(p)
	if n := tryWell(renewed, p, 5); n != 3 {
		t.Errorf("deaths are taken back after %d tries that went well, want 3", n)
	}
	delta, _ := renewed.Export(t0, p)
	merged, err := Merge(stored, delta)
	if err != nil {
		t.Fatal(err)
	}
	if err := old.Import(t0, p, merged); err != nil {
		t.Fatal(err)
	}
	if after, _ := old.died(p); after > before/10 {
		t.Errorf("of deaths of %.1f, %.1f are left at the other edge", before, after)
	}
}

// One device's luck is not the network's.
func TestRenewalTakesDevices(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	l := NewLearner(t0, Options{})
	cramped(l, p)
	for range 20 {
		tryWell(l, p, 1)
	}
	if st := l.Stats(); st.Raises > 0 {
		t.Errorf("%d renewals after the tries of one device", st.Raises)
	}
}

// A notify that is answered before a probe beyond the interval does not make
// that probe one of the interval: that connections die of it is no sign of a
// network that has become stricter.
func TestNotifyLeavesProbeBeyondWhatItIs(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
	teachSafe(l, p, 100, 200*time.Second)
	dice := rand.New(rand.NewPCG(1, 2))
	died := 0
	for i := range 12 {
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(7000 + i)}, State: State{Background: true}})
		plan := l.Next(t0, &v, dice.Float64())
		for range 10_000 {
			if v.is(planned) {
				break
			}
			plan = l.Next(t0, &v, dice.Float64())
		}
		if !v.is(planned) {
			break // that nothing longer is kept is known by now
		}
		died++
		l.Notified(t0, &v, 100*time.Second)
		l.Heard(t0, &v, 80*time.Millisecond)
		l.Probed(t0, &v, plan.Probe)
		l.Heard(t0, &v, 8*time.Second)
	}
	if n := l.Stats().Alarms; n > 0 || died < alarmFrom {
		t.Errorf("%d alarms of %d probes beyond the interval, want none of several", n, died)
	}
}

// A try that falls to a device that has used up its deaths of the day is left to
// the next one: that may be the only one for hours.
func TestTryIsLeftToOthers(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
	cramped(l, p)
	for i := range uint64(30) { // so that nothing else is left to find out
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 6000 + i}, State: State{Background: true}})
		probe(l, &v, 295*time.Second, 295*time.Second)
	}
	now := t0.Add(time.Hour)
	open := func(device uint64) View {
		return l.Open(now, Arrival{Path: p, Peer: Peer{Device: device, Subscriber: device, Block: device}, State: State{Background: true}})
	}
	spent, other := open(1), open(2)
	c, unlock := l.look(p)
	c.down.raise(l.at(now)-2*alarmCap, 150) // it became stricter today
	c.up.next = 1                           // a try is due
	unlock()
	for range capDevice {
		l.caps.take(l.at(now), &spent, c.live)
	}
	dice := rand.New(rand.NewPCG(1, 2))
	tries := func(v *View) (n int) {
		for range 50 {
			if l.Next(now, v, dice.Float64()); v.is(upward) {
				n++
			}
		}
		return n
	}
	if n := tries(&spent); n > 0 {
		t.Errorf("%d tries fall to a device of which nothing more is believed", n)
	}
	if n := tries(&other); n == 0 {
		t.Error("no try is left to another device")
	}
}

// Of a network of hundreds that was cut from 200 to 120 s, hardly anything is left
// that says that some are kept for 200 s: otherwise a try of a little more than 120
// that goes well would be no news.
func TestCutLeavesNoPool(t *testing.T) {
	var v evidence
	cut, before := floorBucket(120), floorBucket(200)
	for k := range before + 1 {
		v.kept[k] = 500
	}
	v.perish(-1, floorBucket(230), 450)
	v.contradict(grid[cut] / 2)
	for k := range cut + 1 {
		v.kept[k] = 500
	}
	for k := cut + 1; k < before; k++ { // of notifies, at any time of the silence
		v.perish(-1, k, 4)
	}
	v.perish(-1, before, 100)
	parent := priors[Path{Radio: Cell4G}.class()]
	var own [buckets]float32
	var c cell
	v.estimate(&parent, &own, false, &c.s)
	if died := c.expected(cut, cut+tryBuckets); died <= tryDoubt {
		t.Errorf("of a try %.2f are thought to die, which makes no news of one that goes well", died)
	}
}

// A network is tried as rarely as costs its connections less than a second of
// dead time a day in the mean, and no more than once in a quarter of an hour.
func TestTriesAreRare(t *testing.T) {
	const dead, days = 40.0, 100
	for _, live := range []int32{1, 10, 1000} {
		var r raise
		tries, last := 0, math.Inf(-1)
		for now := 0.0; now < days*day; now += 60 {
			if !r.due(now, live, dead) {
				continue
			}
			if now-last < tryPause {
				t.Fatalf("%d connections: tries %.0f s apart", live, now-last)
			}
			tries, last = tries+1, now
		}
		if cost := float64(tries) * dead / float64(live) / days; cost > 1 || tries == 0 {
			t.Errorf("%d connections: %d tries in %d days cost each %.2f s a day", live, tries, days, cost)
		}
	}
}
