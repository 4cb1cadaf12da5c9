package heartbeat

import (
	"testing"
	"time"
)

// die has as many new devices of one address die of a silence that the edge
// tested, one after the other.
func (l *Learner) die(now time.Time, p Path, first, devices uint64, subscriber, block uint64) {
	for i := range devices {
		v := l.Open(now, Arrival{Path: p, Peer: Peer{Device: first + i, Subscriber: subscriber, Block: block}})
		l.Probed(now, &v, 300*time.Second)
		l.Heard(now, &v, fallback*time.Second)
		l.Closed(now, &v, EndOther, 0)
	}
}

// Of a day's deaths in a network so many count of one device, of one address
// and of one block, and on the next day again as many.
func TestDeathsOfADayAreCapped(t *testing.T) {
	const few, many = 2 * household, 1000
	for _, tt := range []struct {
		name   string
		deaths func(l *Learner, now time.Time, p Path)
		live   uint64
		counts int64
	}{
		{"one device", func(l *Learner, now time.Time, p Path) {
			for i := range 100 {
				l.die(now.Add(time.Duration(i)*2*sameDeath*time.Second), p, 7, 1, 7, 7)
			}
		}, few, capDevice},
		{"one address", func(l *Learner, now time.Time, p Path) { l.die(now, p, 1000, 300, 7, 7) }, few, capSubscriber},
		{"one block", func(l *Learner, now time.Time, p Path) {
			for s := range uint64(20) {
				l.die(now, p, 1000*(s+1), 30, 100+s, 7)
			}
		}, few, capBlock},
		{"three blocks", func(l *Learner, now time.Time, p Path) {
			for b := range uint64(3) {
				l.die(now, p, 1000*(b+1), 40, 100+b, 7+b)
			}
		}, few, 120},
		{"one device among many", func(l *Learner, now time.Time, p Path) {
			for i := range 100 {
				l.die(now.Add(time.Duration(i)*2*sameDeath*time.Second), p, 7, 1, 7, 7)
			}
		}, many, capDevice},
		{"one address among many", func(l *Learner, now time.Time, p Path) { l.die(now, p, 1000, 900, 7, 7) }, many, many / 2},
		{"one block among many", func(l *Learner, now time.Time, p Path) {
			for s := range uint64(20) {
				l.die(now, p, 1000*(s+1), 300, 100+s, 7)
			}
		}, many, 2 * (many + 1)}, // and the one that dies
	} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		for i := range tt.live {
			l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 90_000 + i}})
		}
		before := Stats{}
		for day := range 2 {
			tt.deaths(l, t0.Add(time.Duration(day)*24*time.Hour), p)
			st := l.Stats()
			if counts := st.Deaths - before.Deaths - (st.Capped - before.Capped); counts != tt.counts {
				t.Errorf("%s: %d deaths count on day %d, want %d", tt.name, counts, day+1, tt.counts)
			}
			before = st
		}
	}
}

// What counts for all networks of a kind is not counted in one of them, wherever
// that is kept.
func TestDeathsOfTheKindAreApart(t *testing.T) {
	for shard := range shards {
		c := &caps{}
		v := View{cell: handle(shard, 0, 1), device: 7}
		for range capDevice {
			c.takeParent(0, &v)
		}
		if c.spent(0, &v, v.cell) {
			t.Errorf("deaths of the kind are counted in the first network of shard %d", shard)
		}
	}
}
