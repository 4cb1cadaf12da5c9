package heartbeat

import (
	"testing"
	"time"
)

// died is what a network's deaths add up to, and the bucket of the first.
func (l *Learner) died(p Path) (sum float32, first int) {
	c, unlock := l.look(p)
	defer unlock()
	first = -1
	for k, n := range c.died {
		if sum += n; n > 0 && first < 0 {
			first = k
		}
	}
	return sum, first
}

// A device that missed a probe beats in vain 8 s later and comes back. The edge
// it left knows of what probe, the one it comes to of what beat: one death,
// that of the probe, whoever tells first.
func TestDeathToldTwice(t *testing.T) {
	report := Report{How: HowTimeout, FirstMiss: 294 * time.Second, Reconnect: 2 * time.Second}
	for _, closedFirst := range []bool{true, false} {
		for _, how := range []Ending{EndReplaced, EndReset} {
			l, p := NewLearner(t0, Options{}), Path{Radio: WiFi, Network: Network{1}}
			arrival := Arrival{Path: p, Peer: Peer{Device: 7}, State: State{Background: true}}
			v := l.Open(t0, arrival)
			l.Probed(t0, &v, 286*time.Second)
			arrival.Last = report
			if closedFirst {
				l.Closed(t0, &v, how, 10*time.Second)
				l.Open(t0, arrival)
			} else {
				l.Open(t0, arrival)
				l.Closed(t0, &v, how, 10*time.Second)
			}
			if sum, at := l.died(p); sum != 1 || at != ceilBucket(286) {
				t.Errorf("ending %d, told first by the edge: %v: deaths of %v at %.0f s, want 1 at %.0f", how, closedFirst, sum, grid[at], grid[ceilBucket(286)])
			}
		}
	}
}

// A network that forgets all its connections at once has each death told twice:
// by the edge and, after some others have died, by the device. A few share a
// place with others in the table that says so.
func TestAllDeathsToldTwice(t *testing.T) {
	const devices, behind = 480, 16
	l, p := NewLearner(t0, Options{}), Path{Radio: WiFi, Network: Network{1}}
	arrival := func(i int) Arrival {
		return Arrival{Path: p, Peer: Peer{Device: uint64(i + 1), Subscriber: uint64(i/32 + 1), Block: 1}, State: State{Background: true}}
	}
	var views [devices]View
	for i := range views {
		views[i] = l.Open(t0, arrival(i))
	}
	for i := range devices + behind {
		if i < devices {
			l.Probed(t0, &views[i], 286*time.Second)
			l.Closed(t0, &views[i], EndReset, time.Second)
		}
		if back := i - behind; back >= 0 {
			a := arrival(back)
			a.Last = Report{How: HowReset, FirstMiss: 294 * time.Second, Reconnect: time.Second}
			l.Open(t0.Add(10*time.Second), a)
		}
	}
	if sum, _ := l.died(p); sum < 0.95*devices || sum > 1.05*devices {
		t.Errorf("deaths of %v, want %d", sum, devices)
	}
}

// A Notify finds a connection forgotten long before the device's own beat does:
// still one death, of the shorter silence.
func TestDeathToldTwiceByNotify(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: WiFi, Network: Network{1}}
	arrival := Arrival{Path: p, Peer: Peer{Device: 7}, State: State{Background: true}}
	v := l.Open(t0, arrival)
	now := t0.Add(150 * time.Second)
	l.Notified(now, &v, 150*time.Second)
	l.Closed(now, &v, EndReset, time.Second)
	now = t0.Add(290 * time.Second)
	arrival.Last = Report{How: HowReset, FirstMiss: 290 * time.Second, Reconnect: 0}
	v = l.Open(now, arrival)
	if sum, at := l.died(p); sum != 1 || at != ceilBucket(150) {
		t.Errorf("deaths of %v at %.0f s, want 1 at %.0f", sum, grid[at], grid[ceilBucket(150)])
	}

	// The connection that it begins is another one, and so is its death.
	now = now.Add(200 * time.Second)
	arrival.Last.FirstMiss = 199 * time.Second
	l.Closed(now, &v, EndReplaced, 200*time.Second)
	l.Open(now, arrival)
	if sum, _ := l.died(p); sum <= 1 {
		t.Errorf("deaths of %v, want another one", sum)
	}
}

// What was told once and exported is not exported again when it is told twice.
func TestDeathToldTwiceIsSharedOnce(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: WiFi, Network: Network{1}}
	arrival := Arrival{Path: p, Peer: Peer{Device: 7}, State: State{Background: true}}
	v := l.Open(t0, arrival)
	l.Probed(t0, &v, 286*time.Second)
	l.Closed(t0, &v, EndReset, 10*time.Second)
	stored, _ := l.Export(t0, p)
	arrival.Last = Report{How: HowTimeout, FirstMiss: 294 * time.Second, Reconnect: 2 * time.Second}
	l.Open(t0, arrival)
	if sum, _ := l.died(p); sum != 1 {
		t.Errorf("deaths of %v here, want 1", sum)
	}
	if delta, ok := l.Export(t0, p); ok {
		var err error
		if stored, err = Merge(stored, delta); err != nil {
			t.Fatal(err)
		}
	}
	r, err := decode(stored)
	if err != nil {
		t.Fatal(err)
	}
	if _, deaths := r.weight(); deaths != 1 {
		t.Errorf("deaths of %v in the store, want 1", deaths)
	}
}

// A device that was away for long may have lost its coverage, not its mapping.
func TestReplacedLateIsNoDeath(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: WiFi, Network: Network{1}}
	v := l.Open(t0, Arrival{Path: p})
	l.Probed(t0, &v, 286*time.Second)
	l.Closed(t0, &v, EndReplaced, time.Minute)
	if sum, _ := l.died(p); sum != 0 {
		t.Errorf("deaths of %v", sum)
	}
}

// A probe that is answered, a little late, shows that the network keeps what
// was probed, and not what is a step of the grid shorter.
func TestAnsweredProbeShowsItsSilence(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: WiFi, Network: Network{1}}
	v := l.Open(t0, Arrival{Path: p, State: State{Background: true}})
	for tries := 0; ; tries++ {
		plan := l.Next(t0, &v, float64(tries%97)/97)
		if plan.Probe == 0 {
			if tries > 1000 {
				t.Fatal("no probe is planned")
			}
			continue
		}
		l.Probed(t0, &v, plan.Probe+20*time.Millisecond)
		l.Heard(t0, &v, 80*time.Millisecond)
		if got := fineGrid[v.lo]; got < plan.Probe.Seconds()*0.999 {
			t.Errorf("a probe of %.1f s shows that the connection survives %.1f s", plan.Probe.Seconds(), got)
		}
		c, unlock := l.look(p)
		defer unlock()
		if k := floorBucket(plan.Probe.Seconds()); c.kept[k] == 0 {
			t.Errorf("%.1f s are not kept by anybody", grid[k])
		}
		return
	}
}
