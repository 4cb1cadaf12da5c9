package heartbeat

import (
	"testing"
	"time"
)

// alarmed is a network with an alarm just now, and its cap in seconds.
func alarmed(t *testing.T, l *Learner, p Path) (limit float64) {
	t.Helper()
	teachSafe(l, p, 20, 300*time.Second)
	dieTogether(l, p, 64)
	c, unlock := l.look(p)
	defer unlock()
	if limit = c.down.limit(l.at(t0)); limit == 0 {
		t.Fatal("no alarm after 64 deaths")
	}
	return limit
}

// survive has a device survive a silence of so many seconds.
func survive(l *Learner, p Path, device uint64, seconds float64) {
	v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: device}, State: State{Background: true}})
	l.Probed(t0, &v, time.Duration(seconds*float64(time.Second)))
	l.Heard(t0, &v, 80*time.Millisecond)
}

// The cap of an alarm is a guess. It rises to what three devices survived, one
// after another; one device does not raise it, nor do three among whom one died.
func TestCapRisesWithWhatDevicesSurvive(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	for _, tt := range []struct {
		name    string
		devices []uint64 // 0: one that dies
		rises   bool
	}{
		{"three devices", []uint64{1, 2, 3}, true},
		{"one device", []uint64{1, 1, 1, 1}, false},
		{"two devices", []uint64{1, 2, 1, 2}, false},
		{"one of them died", []uint64{1, 2, 0, 3}, false},
	} {
		l := NewLearner(t0, Options{})
		limit := alarmed(t, l, p)
		for i, device := range tt.devices {
			if device == 0 {
				v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 9}, State: State{Background: true}})
				l.Probed(t0, &v, time.Duration(limit*1.1*float64(time.Second)))
				l.Heard(t0, &v, 8*time.Second)
				continue
			}
			survive(l, p, device, limit*(1.2+0.01*float64(i)))
		}
		c, unlock := l.look(p)
		got := c.down.limit(l.at(t0))
		unlock()
		if rises := got > limit; rises != tt.rises || rises && got > limit*1.21 {
			t.Errorf("%s: the cap was %.0f s and is %.0f s", tt.name, limit, got)
		}
	}
}

// A device of which no more deaths are believed, or of whose address, tests
// nothing beyond its interval in a network that has become stricter: nothing
// would be learned of it.
func TestExhaustedDeviceExploresNothing(t *testing.T) {
	p := Path{Radio: Cell4G, Network: Network{1}}
	const device, address = 77, 78
	for _, tt := range []struct {
		name         string
		by           uint64 // the first device of those that die
		devices, die int    // how many, and how often each
		explores     bool
	}{
		{"nobody died", 0, 0, 0, true},
		{"it died as often as counts", device, 1, capDevice, false},
		{"as many died at its address as count", 1000, capSubscriber, 1, false},
	} {
		l := NewLearner(t0, Options{})
		alarmed(t, l, p)
		for i := range uint64(10) { // more than a household
			l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 100 + i, Subscriber: 100 + i}})
		}
		later := t0.Add(2 * time.Hour)
		arrive := func(device uint64) View {
			return l.Open(later, Arrival{Path: p, Peer: Peer{Device: device, Subscriber: address}, State: State{Background: true}})
		}
		for i := range tt.devices * tt.die {
			later = later.Add(2 * sameDeath * time.Second)
			v := arrive(tt.by + uint64(i%tt.devices))
			l.Probed(later, &v, 1000*time.Second)
			l.Heard(later, &v, 8*time.Second)
			l.Closed(later, &v, EndOther, 0)
		}
		explored := false
		for i := range 100 {
			v := arrive(device)
			l.Next(later, &v, float64(i)/100)
			explored = explored || v.is(planned)
			l.Closed(later, &v, EndOther, 0)
		}
		if explored != tt.explores {
			t.Errorf("%s: it explored: %v", tt.name, explored)
		}
	}
}
