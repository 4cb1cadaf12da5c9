package heartbeat

import (
	"encoding/binary"
	"testing"
	"time"
)

// claimed is a WiFi that a device says it is in.
func claimed(n int) Path {
	p := Path{Radio: WiFi, Network: Network{15: 9}}
	binary.BigEndian.PutUint64(p.Network[:], uint64(n)*0x9e3779b97f4a7c15)
	return p
}

// A device that claims another network with each of its forged reports does
// not decide how all networks of the kind begin.
func TestDeviceOfManyNetworks(t *testing.T) {
	l := NewLearner(t0, Options{})
	fresh := claimed(1 << 40)
	before := l.Look(t0, fresh).Interval
	for i := range 5000 {
		l.lie(t0, claimed(i), 77)
	}
	if got := l.Look(t0, fresh).Interval; got < before*8/10 {
		t.Errorf("a network that nothing is known of begins at %v, and did at %v", got, before)
	}
}

// Nor does one address with devices as many as it likes.
func TestAddressOfManyDevices(t *testing.T) {
	l := NewLearner(t0, Options{})
	fresh := claimed(1 << 40)
	before := l.Look(t0, fresh).Interval
	for i := range 5000 {
		l.lie(t0, claimed(i), uint64(i))
	}
	if got := l.Look(t0, fresh).Interval; got < before*8/10 {
		t.Errorf("a network that nothing is known of begins at %v, and did at %v", got, before)
	}
}

// A device that claims ever new networks does not push out those of others.
func TestMillionNetworksOfOneDevice(t *testing.T) {
	l := NewLearner(t0, Options{})
	home := claimed(1 << 40)
	teachSafe(l, home, 50, 1000*time.Second)
	v := l.Open(t0, Arrival{Path: claimed(0), Peer: Peer{Device: 77, Subscriber: 5, Block: 6}})
	for i := range 200_000 {
		l.Move(t0, &v, claimed(i))
	}
	if st := l.Stats(); !l.Look(t0, home).Learned {
		t.Errorf("what was learned is gone; %d networks are remembered, %d were forgotten", st.Cells, st.Evicted)
	}
	if plan := l.Next(t0, &v, 0.5); plan.Interval < Min || plan.Interval > Max {
		t.Errorf("the device gets %v", plan)
	}
	l.Closed(t0, &v, EndOther, 0)
}

// Whoever reports deaths from one address alone does not unsettle a network
// that was seen to keep its connections.
func TestClaimsRaiseNoAlarm(t *testing.T) {
	l := NewLearner(t0, Options{})
	p := claimed(3)
	teachSafe(l, p, 500, 1000*time.Second)
	for i := range 50 {
		l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(1000 + i), Subscriber: uint64(100 + i), Block: 6}})
	}
	before := l.Look(t0, p).Interval
	now := t0
	for i := range 1000 {
		now = now.Add(time.Minute)
		l.lie(now, p, uint64(i))
	}
	if got := l.Look(now, p); got.Interval < before*9/10 || got.Alarms > 0 {
		t.Errorf("the interval fell from %v to %v after %d alarms", before, got.Interval, got.Alarms)
	}
}

// Claims of three addresses do raise an alarm: there are NATs that only devices
// see reset.
func TestClaimsOfManyRaiseAlarm(t *testing.T) {
	l := NewLearner(t0, Options{})
	p := claimed(3)
	teachSafe(l, p, 500, 1000*time.Second)
	for i := range 10 {
		l.Open(t0, Arrival{
			Path: p, Peer: Peer{Device: uint64(1000 + i), Subscriber: uint64(100 + i), Block: 6},
			Last: Report{How: HowReset, FirstMiss: 300 * time.Second, Reconnect: time.Second},
		})
	}
	if got := l.Look(t0, p); got.Interval > 300*time.Second || got.Alarms != 1 {
		t.Errorf("the interval is %v after %d alarms", got.Interval, got.Alarms)
	}
}

// Whoever is alone in a network does not spoil it for those who come later.
func TestAloneInANetwork(t *testing.T) {
	l := NewLearner(t0, Options{})
	p := claimed(3)
	for i := range 5000 {
		l.lie(t0, p, uint64(i))
	}
	for i := range 60 {
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: uint64(1_000_000 + i)}, State: State{Background: true}})
		l.Probed(t0, &v, 600*time.Second)
		l.Heard(t0, &v, time.Second)
	}
	if got := l.Look(t0.Add(time.Hour), p); got.Interval < 120*time.Second {
		t.Errorf("the interval is %v: %+v", got.Interval, got)
	}
}

// lie has a device claim that its last connection died after 25 s.
func (l *Learner) lie(now time.Time, p Path, device uint64) {
	v := l.Open(now, Arrival{
		Path: p, Peer: Peer{Device: device, Subscriber: 5, Block: 6},
		Last: Report{How: HowReset, FirstMiss: 25 * time.Second, Reconnect: time.Second},
	})
	l.Closed(now, &v, EndOther, 0)
}
