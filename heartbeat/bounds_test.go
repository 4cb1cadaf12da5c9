package heartbeat

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// learned is a connection that beats until its NAT is known, and the plans that
// it had: a hundred of them, at the end, while its application is used, which
// have no probe.
func learned(l *Learner, p Path, timeout time.Duration) (v View, plans []Plan) {
	rng := rand.New(rand.NewPCG(1, 1))
	v = l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7}, State: State{Background: true}})
	for range 500 {
		plan := l.Next(t0, &v, rng.Float64())
		plans = append(plans, plan)
		if plan.Probe > 0 {
			probe(l, &v, plan.Probe, timeout)
		}
	}
	l.Shift(t0, &v, State{})
	for range 100 {
		plans = append(plans, l.Next(t0, &v, rng.Float64()))
	}
	return v, plans
}

// Whatever a network keeps, less than the bounds or more, an interval stays
// within them, and a probe so far below the interval that the device's own beat
// can be told from the answer.
func TestPlansStayInBounds(t *testing.T) {
	for _, tt := range []struct {
		path    Path
		timeout time.Duration
		least   time.Duration // of the longest interval
		most    time.Duration // of the shortest
	}{
		{Path{Transport: QUIC, Radio: WiFi, Network: Network{1}}, 15 * time.Second, Min, Min},
		{Path{Transport: TCP, Radio: Wired, Network: Network{1}}, 24 * time.Hour, Max, Max},
	} {
		l := NewLearner(t0, Options{})
		_, plans := learned(l, tt.path, tt.timeout)
		shortest, longest := Max, Min
		for _, p := range plans {
			if p.Interval < Min || p.Interval > Max || p.Probe < 0 || p.Probe > 0 && p.Interval-p.Probe < fallback*time.Second {
				t.Fatalf("a network that keeps %v has the plan %v", tt.timeout, p)
			}
			shortest, longest = min(shortest, p.Interval), max(longest, p.Interval)
		}
		if shortest > tt.most || longest < tt.least {
			t.Errorf("a network that keeps %v has intervals of %v to %v: the bounds were not tried", tt.timeout, shortest, longest)
		}
		if got := l.Look(t0, tt.path).Interval; got < Min || got > Max {
			t.Errorf("a new connection to a network that keeps %v begins with %v", tt.timeout, got)
		}
	}
}

// Jitter keeps devices from beating in step. It never makes a silence longer
// than was decided.
func TestJitterOnlyShortens(t *testing.T) {
	for _, state := range []State{{}, {Background: true}} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		v, _ := learned(l, p, 500*time.Second)
		l.Shift(t0, &v, State{})
		decided := l.Next(t0, &v, 0).Interval // without any
		l.Shift(t0, &v, state)
		var all []time.Duration
		rng := rand.New(rand.NewPCG(1, 1))
		for range 2000 {
			if plan := l.Next(t0, &v, rng.Float64()); plan.Probe == 0 {
				all = append(all, plan.Interval)
			}
		}
		slices.Sort(all)
		shortest, longest := all[0], all[len(all)-1]
		if longest > decided || longest < decided*999/1000 {
			t.Errorf("%+v: intervals of up to %v, %v was decided", state, longest, decided)
		}
		if spread := longest - shortest; spread < decided*4/1000 || spread > decided*7/1000 {
			t.Errorf("%+v: the intervals are %v to %v, want them spread by about 0.6 %%", state, shortest, longest)
		}
	}
}
