package heartbeat

import (
	"math/rand/v2"
	"testing"
	"time"
)

// The edge tests the silences of devices in the background, unless it is told
// not to. A device that cannot beat is handed the longest interval and is not
// tested, and what is learned of one in the foreground costs it nothing.
func TestWhoIsProbed(t *testing.T) {
	for _, tt := range []struct {
		name   string
		state  State
		deaf   bool
		probed bool
	}{
		{"background", State{Background: true}, false, true},
		{"background, without probes", State{Background: true}, true, false},
		{"foreground", State{}, false, false},
		{"cannot beat", State{Background: true, Mute: true}, false, false},
	} {
		l, p := NewLearner(t0, Options{NoProbes: tt.deaf}), Path{Radio: Cell4G, Network: Network{1}}
		v := l.Open(t0, Arrival{Path: p, State: State{Background: true}})
		l.Shift(t0, &v, tt.state)
		rng := rand.New(rand.NewPCG(1, 1))
		probes := 0
		for range 1000 {
			plan := l.Next(t0, &v, rng.Float64())
			if plan.Probe > 0 {
				probes++
			}
			if (plan.Interval == Max) != tt.state.Mute {
				t.Fatalf("%s: the interval is %v", tt.name, plan.Interval)
			}
		}
		if (probes > 0) != tt.probed || int64(probes) != l.Stats().Planned {
			t.Errorf("%s: %d probes were planned, and %d counted", tt.name, probes, l.Stats().Planned)
		}
	}
}

// A connection that showed more than its network mostly keeps goes on with what
// it showed; not behind an alarm, which says that this holds no longer.
func TestConnectionGoesOnWithWhatItShowed(t *testing.T) {
	for _, stricter := range []bool{false, true} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		teachSafe(l, p, 20, 300*time.Second)
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7}})
		const shown = 900 * time.Second
		probe(l, &v, shown, time.Hour)
		if stricter {
			dieTogether(l, p, 64)
			if l.Stats().Alarms == 0 {
				t.Fatal("no alarm after 64 deaths")
			}
		}
		interval := l.Next(t0, &v, 0).Interval
		if goesOn := interval > shown*99/100; goesOn == stricter || interval > shown {
			t.Errorf("a connection that survived %v is handed out %v; there was an alarm: %v", shown, interval, stricter)
		}
	}
}

// On 2G a network that loses connections of others earlier is not woken more
// often than each 150 s, less how late timers are; a connection that died itself
// is, and so is any on another radio.
func Test2GIsLeftInPeace(t *testing.T) {
	const floor = (floor2G - late) * (1 - jitter)
	for _, tt := range []struct {
		name  string
		radio Radio
		died  bool
		rare  bool
	}{
		{"2G", Cell2G, false, true},
		{"2G, and it died", Cell2G, true, false},
		{"3G", Cell3G, false, false},
	} {
		l, p := NewLearner(t0, Options{}), Path{Radio: tt.radio, Network: Network{1}}
		teachSafe(l, p, 10, 80*time.Second)
		l.die(t0, p, 1000, 40, 1, 1)
		for i := range uint64(40) {
			v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 5000 + i, Subscriber: i, Block: i}})
			probe(l, &v, 100*time.Second, 90*time.Second)
		}
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7, Subscriber: 7, Block: 7}})
		if tt.died {
			probe(l, &v, 100*time.Second, 90*time.Second)
		}
		if got := l.Next(t0, &v, 0.5).Interval; (got.Seconds() >= floor) != tt.rare {
			t.Errorf("%s: the interval is %v", tt.name, got)
		}
	}
}
