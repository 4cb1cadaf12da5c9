package heartbeat

import (
	"math"
	"testing"
	"time"
)

// What the edge sees of a silence, and what it says of the network: the bucket
// that it was safe for, or that a connection died in, or nothing.
func TestWhatProvesAnything(t *testing.T) {
	const nothing = -1
	for _, tt := range []struct {
		name       string
		see        func(l *Learner, v *View)
		safe, dead int
	}{
		{"answered", func(l *Learner, v *View) {
			l.Probed(t0, v, 200*time.Second)
			l.Heard(t0, v, time.Second)
		}, floorBucket(200), nothing},
		{"not answered, but the device's own beat arrives", func(l *Learner, v *View) {
			l.Probed(t0, v, 200*time.Second)
			l.Heard(t0, v, 8*time.Second)
		}, nothing, ceilBucket(200)},
		{"not answered for long: the device was away", func(l *Learner, v *View) {
			l.Probed(t0, v, 200*time.Second)
			l.Heard(t0, v, 20*time.Second)
		}, nothing, nothing},
		{"the device's own beat, which proves nothing", func(l *Learner, v *View) {
			l.Heard(t0, v, 200*time.Second)
		}, nothing, nothing},
		{"a notify that is answered", func(l *Learner, v *View) {
			l.Notified(t0, v, 200*time.Second)
			l.Heard(t0, v, time.Second)
		}, floorBucket(200), nothing},
		{"a notify that is not", func(l *Learner, v *View) {
			l.Notified(t0, v, 200*time.Second)
			l.Heard(t0, v, 8*time.Second)
		}, nothing, nothing},
		{"a notify that is answered just when a beat would come", func(l *Learner, v *View) {
			l.Notified(t0, v, interval(v)-3*time.Second)
			l.Heard(t0, v, 3*time.Second)
		}, nothing, nothing},
		{"another port", func(l *Learner, v *View) {
			l.Rebound(t0, v, 200*time.Second)
		}, nothing, ceilBucket(200)},
		{"another port after a silence that nobody planned", func(l *Learner, v *View) {
			l.Rebound(t0, v, time.Hour)
		}, nothing, nothing},
		{"another port behind a probe", func(l *Learner, v *View) {
			l.Probed(t0, v, 200*time.Second)
			l.Rebound(t0, v, 8*time.Second)
		}, nothing, ceilBucket(200)},
		{"another port long after a probe", func(l *Learner, v *View) {
			l.Probed(t0, v, 200*time.Second)
			l.Rebound(t0, v, time.Minute)
		}, nothing, nothing},
		{"a reset behind a probe", func(l *Learner, v *View) {
			l.Probed(t0, v, 200*time.Second)
			l.Closed(t0, v, EndReset, time.Second)
		}, nothing, ceilBucket(200)},
		{"a reset behind nothing", func(l *Learner, v *View) {
			l.Closed(t0, v, EndReset, time.Second)
		}, nothing, nothing},
		{"silence for good", func(l *Learner, v *View) {
			l.Probed(t0, v, 200*time.Second)
			l.Closed(t0, v, EndIdle, time.Minute)
		}, nothing, nothing},
	} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7}, State: State{Background: true}})
		l.Next(t0, &v, 0.999)
		tt.see(l, &v)
		if safe, dead := l.shown(p); safe != tt.safe || dead != tt.dead {
			t.Errorf("%s: safe in bucket %d, deadly in %d; want %d and %d", tt.name, safe, dead, tt.safe, tt.dead)
		}
	}
}

// interval is what the connection was handed out.
func interval(v *View) time.Duration { return time.Duration(v.interval) * time.Second / 10 }

// shown is the longest silence that was seen to be safe, and the first that was
// not; -1: none.
func (l *Learner) shown(p Path) (safe, dead int) {
	c, unlock := l.look(p)
	defer unlock()
	safe, dead = -1, -1
	for k := range buckets {
		if c.kept[k] > 0 {
			safe = k
		}
		if c.died[k] > 0 && dead < 0 {
			dead = k
		}
	}
	return safe, dead
}

// Silences that no clock measured are counted, and nothing is learned of them.
func TestAbsurdSilencesAreCounted(t *testing.T) {
	for _, absurd := range []time.Duration{-1, -time.Hour, math.MinInt64, 31 * 24 * time.Hour, math.MaxInt64} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		v := l.Open(t0, Arrival{Path: p, State: State{Background: true}})
		before := l.Next(t0, &v, 0.999)
		for _, see := range []func(){
			func() { l.Probed(t0, &v, absurd); l.Heard(t0, &v, time.Second) },
			func() { l.Notified(t0, &v, absurd); l.Heard(t0, &v, time.Second) },
			func() { l.Probed(t0, &v, 200*time.Second); l.Heard(t0, &v, absurd) },
			func() { l.Rebound(t0, &v, absurd) },
			func() { l.Probed(t0, &v, 200*time.Second); l.Rebound(t0, &v, absurd) },
			func() {
				l.Open(t0, Arrival{Path: p, Last: Report{How: HowReset, FirstMiss: absurd}})
				l.Open(t0, Arrival{Path: p, Last: Report{How: HowReset, FirstMiss: 200 * time.Second, Reconnect: absurd}})
			},
			func() { l.Probed(t0, &v, 200*time.Second); l.Closed(t0, &v, EndReset, absurd) },
		} {
			see()
		}
		if safe, dead := l.shown(p); safe >= 0 || dead >= 0 || l.Stats().Absurd < 8 {
			t.Errorf("%v: safe in bucket %d, deadly in %d, %d counted", absurd, safe, dead, l.Stats().Absurd)
		}
		again := l.Open(t0, Arrival{Path: p, State: State{Background: true}})
		if after := l.Next(t0, &again, 0.999); after != before {
			t.Errorf("%v: the plan was %v and is %v", absurd, before, after)
		}
	}
}

// What a device reports of its last connection counts within bounds only, and
// less than what the edge saw.
func TestReportIsAClaim(t *testing.T) {
	for _, tt := range []struct {
		name   string
		report Report
		counts bool
	}{
		{"a reset", Report{How: HowReset, FirstMiss: 200 * time.Second, Reconnect: time.Second}, true},
		{"no answer", Report{How: HowTimeout, FirstMiss: 200 * time.Second, Reconnect: time.Second}, true},
		{"closed", Report{How: HowOther, FirstMiss: 200 * time.Second, Reconnect: time.Second}, false},
		{"nobody knows what", Report{How: 77, FirstMiss: 200 * time.Second, Reconnect: time.Second}, false},
		{"back after a minute", Report{How: HowReset, FirstMiss: 200 * time.Second, Reconnect: time.Minute}, false},
		{"less than any network forgets in", Report{How: HowReset, FirstMiss: 5 * time.Second, Reconnect: time.Second}, false},
		{"longer than any interval", Report{How: HowReset, FirstMiss: time.Hour, Reconnect: time.Second}, false},
	} {
		l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
		l.Open(t0, Arrival{Path: p, Last: tt.report})
		if sum, _ := l.died(p); (sum > 0) != tt.counts || sum >= 1 {
			t.Errorf("%s: deaths of %v", tt.name, sum)
		}
	}
}

// What many networks of a kind showed, deaths or the lack of them, is where a
// new one begins.
func TestKindLearnsFromItsNetworks(t *testing.T) {
	for _, timeout := range []time.Duration{150 * time.Second, time.Hour} {
		l := NewLearner(t0, Options{})
		cold := l.Look(t0, claimed(-1)).Interval
		for i := range 40 {
			v := l.Open(t0, Arrival{Path: claimed(i), Peer: Peer{Device: uint64(i + 1)}, State: State{Background: true}})
			for _, s := range []time.Duration{140, 200, 400, 800, 1200, 1700} {
				if probe(l, &v, s*time.Second, timeout); s*time.Second >= timeout {
					break
				}
			}
		}
		begins := l.Look(t0, claimed(-1)).Interval
		if shorter := timeout < cold; shorter && begins >= timeout || !shorter && begins < cold*11/10 {
			t.Errorf("networks of the kind keep %v, and a new one begins with %v, %v before", timeout, begins, cold)
		}
	}
}

// A connection that was kept for longer before was evicted, most of the time:
// its death says little of what the network keeps.
func TestEvictionSaysLittle(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: Cell4G, Network: Network{1}}
	v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7}})
	probe(l, &v, 400*time.Second, time.Hour)
	probe(l, &v, 200*time.Second, 100*time.Second)
	if sum, _ := l.died(p); sum == 0 || sum > 0.2 {
		t.Errorf("deaths of %v, want a fraction of one", sum)
	}
}
