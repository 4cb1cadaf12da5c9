package heartbeat

import (
	"testing"
	"time"
)

// dieTogether has devices begin at once and all be found dead after the first
// interval.
func dieTogether(l *Learner, p Path, devices int) {
	views, silences := make([]View, devices), make([]time.Duration, devices)
	for i := range views {
		views[i] = l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(3000 + i), Subscriber: uint64(i + 1)}, State: State{Background: true}})
		silences[i] = l.Next(t0, &views[i], 0.5).Interval
	}
	for i := range views {
		at := t0.Add(silences[i])
		l.Probed(at, &views[i], silences[i])
		l.Heard(at.Add(8*time.Second), &views[i], 8*time.Second)
	}
}

// Devices that begin together on a network that nothing is known of die
// together where it keeps less than is usual. That is what it is like; on one
// that was seen to keep as much, the same is a change.
func TestDeathsTogetherAreNoChangeWhereNothingWasKnown(t *testing.T) {
	for _, known := range []bool{false, true} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		if known {
			teachSafe(l, p, 20, 300*time.Second)
		}
		before := l.Look(t0, p).Interval
		dieTogether(l, p, 64)
		if n := l.Stats().Alarms; (n > 0) != known {
			t.Errorf("%d alarms; the interval was proven: %v", n, known)
		}
		if after := l.Look(t0, p).Interval; after >= before {
			t.Errorf("the interval was %v and is %v", before, after)
		}
	}
}

// A Notify behind one that nobody answered hides how long ago that was: the
// device's own beat soon after the second is no answer to the first.
func TestNotifyBehindNotifyShowsNothing(t *testing.T) {
	for _, behind := range []bool{false, true} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		v := l.Open(t0, Arrival{Path: p, State: State{Background: true}})
		plan := l.Next(t0, &v, 0.5).Interval
		l.Notified(t0, &v, plan/2)
		if behind {
			l.Notified(t0, &v, plan/2-3*time.Second)
		}
		l.Heard(t0, &v, 3*time.Second)
		if shown := l.Look(t0, p).Learned; shown == behind {
			t.Errorf("something was learned: %v; a Notify behind the first: %v", shown, behind)
		}
	}
}
