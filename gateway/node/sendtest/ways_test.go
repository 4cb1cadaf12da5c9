//go:build unix

package sendtest

import (
	"slices"
	"testing"
	"time"
)

// way is a push's from its decision to the wire: when it was at each point.
type way [points]time.Time

// The points of a way, in their order.
const (
	pointDecided = iota
	pointStored  // the router knows; the worker may have it before
	pointHanded
	pointLooked
	pointAsked
	pointSent
	pointWire
	points
)

// A leg is a part of a way.
type leg struct {
	name     string
	from, to int
}

var whole = leg{"decision to wire", pointDecided, pointWire}

func legs() []leg {
	return []leg{
		whole,
		{"decided to stored", pointDecided, pointStored},
		{"decided to the worker's", pointDecided, pointHanded},
		{"gathered", pointHanded, pointLooked},
		{"looked up", pointLooked, pointAsked},
		{"asked about", pointAsked, pointSent},
		{"sent", pointSent, pointWire},
	}
}

type ways []way

// quantile is a leg's. All have to be there.
func (w ways) quantile(q float64, l leg) time.Duration {
	all := make([]time.Duration, len(w))
	for i := range w {
		all[i] = w[i][l.to].Sub(w[i][l.from])
	}
	slices.Sort(all)
	return all[int(q*float64(len(all)-1))].Round(10 * time.Microsecond)
}

func compare(t *testing.T, alone, beside ways) {
	t.Helper()
	for _, l := range legs() {
		a, b := alone.quantile(0.99, l), beside.quantile(0.99, l)
		t.Logf("%-24s p50 %8v %8v   p99 %8v %8v: %.2fx", l.name,
			alone.quantile(0.5, l), beside.quantile(0.5, l), a, b, float64(b)/float64(a))
	}
}

// measure gives so many runs of jobs of these tenants, after some that connect
// and warm up, and returns the ways of the tenant "good".
func (f *fleet) measure(l *load, runs int, tenants ...string) (all ways) {
	f.t.Helper()
	var seen int64
	for i := range l.warm + runs {
		var some ways
		l.run(tenants...)
		some, seen = f.arrive(l, seen)
		if i >= l.warm {
			all = append(all, some...)
		}
	}
	return all
}

// arrive waits until all pushes of the tenant "good" of the last run came, and
// returns their ways and the newest request that it looked at.
func (f *fleet) arrive(l *load, seen int64) (all ways, newest int64) {
	f.t.Helper()
	f.good.awaitTaken(int64(l.given["good"]), apnsOf)
	requests, newest := f.good.requestsAfter(seen)
	f.worker.Tell("hops")
	var hops map[string]*hopTimes
	f.worker.Hear(&hops)
	for user, p := range l.puts {
		r, h := requests[user], hops[user]
		if r.Accepted.IsZero() || h == nil {
			f.t.Fatalf("the push of %s did not come, or not by the worker", user)
		}
		at := func(hop int) time.Time { return time.Unix(0, h[hop]) }
		all = append(all, way{p.decided, p.stored, at(hopHanded), at(hopLooked), at(hopAsked), at(hopSent), r.Accepted})
	}
	return all, newest
}
