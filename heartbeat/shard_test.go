package heartbeat

import (
	"testing"
	"time"
)

// Where there are more networks than there is room for, those are forgotten that
// nobody was heard of in for longest: neither one whose only device connected
// long ago and beats, nor one that devices come back to, nor the newest.
func TestOldestNetworkIsForgotten(t *testing.T) {
	l := NewLearner(t0, Options{MaxCells: 8 * shards})
	home, left, cafe := claimed(-1), claimed(-2), claimed(-3)
	now := t0
	visit := func(p Path) {
		v := l.Open(now, Arrival{Path: p})
		l.Closed(now, &v, EndOther, 0)
	}
	for _, p := range []Path{home, left, cafe} {
		teachSafe(l, p, 3, 300*time.Second)
	}
	v := l.Open(now, Arrival{Path: home})
	const others, newest = 4000, 60
	for i := range others {
		now = now.Add(time.Minute)
		if i%60 == 0 {
			l.Next(now, &v, 0.5)
			visit(cafe)
		}
		visit(claimed(i))
	}
	for name, tt := range map[string]struct {
		path  Path
		known bool
	}{"of a device that beats": {home, true}, "that is visited": {cafe, true}, "that was left long ago": {left, false}} {
		if got := l.Look(now, tt.path).Learned; got != tt.known {
			t.Errorf("the network %s is known: %v", name, got)
		}
	}
	for i := others - newest; i < others; i++ {
		c, unlock := l.look(claimed(i))
		if c == nil {
			t.Fatalf("of %d networks the one before the last %d is forgotten", others, others-1-i)
		}
		unlock()
	}
}
