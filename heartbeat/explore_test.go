package heartbeat

import (
	"math/rand/v2"
	"testing"
	"time"
)

// probe has a connection tested whose NAT keeps it for so many seconds and
// answers its beats after that, too.
func probe(l *Learner, v *View, silence, timeout time.Duration) {
	l.Probed(t0, v, silence)
	if silence < timeout {
		l.Heard(t0, v, 80*time.Millisecond)
		return
	}
	l.Heard(t0, v, fallback*time.Second)
}

// follow has it do so many beats as the engine plans, and returns how often its
// NAT had forgotten it, and its interval without a probe then.
func follow(l *Learner, v *View, timeout time.Duration, beats int) (deaths int, interval time.Duration) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range beats {
		plan := l.Next(t0, v, rng.Float64())
		if plan.Probe == 0 {
			continue
		}
		probe(l, v, plan.Probe, timeout)
		if plan.Probe >= timeout {
			deaths++
		}
	}
	return deaths, l.Next(t0, v, 0.999).Interval
}

// pool is a network of NATs that keep connections for one time and others that do
// so for twice as long, as 64 connections have shown.
func pool(l *Learner, p Path, timeout time.Duration) {
	for i := range uint64(64) {
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 100 + i, Subscriber: 100 + i}, State: State{Background: true}})
		own := timeout * time.Duration(1+i%2)
		for _, percent := range []time.Duration{96, 106, 196, 206} {
			probe(l, &v, timeout*percent/100, own)
			if timeout*percent/100 >= own {
				break
			}
		}
	}
}

// A connection that was not tested in between may be of either sort when it does
// not survive what none does. It is found out which where that is worth a death:
// over UDP.
func TestDeathDoesNotBlameWhatIsShorter(t *testing.T) {
	for _, tt := range []struct {
		transport              Transport
		pool, timeout, atLeast time.Duration
		atMostDeaths           int
	}{
		{QUIC, 30 * time.Second, 30 * time.Second, 26 * time.Second, 3},
		{QUIC, 30 * time.Second, time.Minute, 55 * time.Second, 1},
		{TCP, 5 * time.Minute, 5 * time.Minute, 4 * time.Minute, 0},
	} {
		l, p := NewLearner(t0, Options{}), Path{Transport: tt.transport, Radio: Cell5G, Network: Network{1}}
		pool(l, p, tt.pool)
		v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7, Subscriber: 7}, State: State{Background: true}})
		probe(l, &v, tt.pool*96/100, tt.timeout)
		probe(l, &v, tt.pool*206/100, tt.timeout)
		deaths, interval := follow(l, &v, tt.timeout, 200)
		if interval < tt.atLeast || interval > tt.timeout || deaths > tt.atMostDeaths {
			t.Errorf("behind a NAT that keeps %v the interval is %v after %d deaths, want at least %v after at most %d",
				tt.timeout, interval, deaths, tt.atLeast, tt.atMostDeaths)
		}
	}
}

// A device that has no coverage while the edge tests the silence it is used to,
// and is back for its own beat, looks like one whose NAT forgot it. In a home
// with few devices too, it is soon back at that silence.
func TestLostCoverageIsMadeGood(t *testing.T) {
	const timeout = 2 * time.Minute
	l, p := NewLearner(t0, Options{}), Path{Transport: QUIC, Radio: WiFi, Network: Network{1}}
	v := l.Open(t0, Arrival{Path: p, Peer: Peer{Device: 7, Subscriber: 7}, State: State{Background: true}})
	_, before := follow(l, &v, timeout, 200)
	for range 3 {
		probe(l, &v, before, before)
	}
	if halved := l.Next(t0, &v, 0.999).Interval; halved > 3*before/4 {
		t.Fatalf("the interval was %v and is %v after deaths of it", before, halved)
	}
	if deaths, after := follow(l, &v, timeout, 60); after < 9*before/10 || deaths > 3 {
		t.Errorf("the interval was %v and is %v after three false deaths and %d others", before, after, deaths)
	}
}

// What a connection died of may be longer than all silences of the grid.
func TestDeathBeyondTheGrid(t *testing.T) {
	l, p := NewLearner(t0, Options{}), Path{Radio: Wired, Network: Network{1}}
	v := l.Open(t0, Arrival{Path: p, State: State{Background: true}})
	probe(l, &v, Max, Max)
	if in := v.span(); v.hi == 0 || in.hi < buckets {
		t.Fatalf("%v is in bucket %d", Max, in.hi)
	}
	follow(l, &v, time.Hour, 100)
}
