package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/hawser-edge/hawser/gateway/leak"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// facts are all that a set left behind.
type facts struct {
	published []publication
	arrivals  []arrival // of each target in the order in which they came
	strikes   []strike
	troubles  []string
	// shownTwice are the devices that show more than one notification of a
	// kind, seen is what all users saw.
	shownTwice []string
	seen       pushtest.Seen
	// leaks are secrets that the fleet told.
	leaks []leak.Finding
	// overlooked are secrets that were planted and not found.
	overlooked []string
}

// into adds what the ledger has.
func (l *ledger) into(f *facts) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f.published, f.arrivals, f.strikes = slices.Clone(l.published), slices.Clone(l.arrivals), slices.Clone(l.strikes)
	f.troubles, f.leaks = slices.Clone(l.troubles), slices.Clone(l.leaks)
}

// shownTwice looks at every device's screen: a newer notification takes the
// place of the older one of its kind.
func (r *run) shownTwice() (all []string) {
	for u := range r.opts.users {
		for _, p := range phones() {
			shown := r.fleet.env.FCM.Shown
			if p.platform == "ios" {
				shown = r.fleet.env.APNs.Shown
			}
			for kind, n := range countKinds(shown(pushToken(userName(u), p.name))) {
				if n > 1 {
					all = append(all, fmt.Sprintf("the %s of %s shows %d notifications of %s", p.name, userName(u), n, kind))
				}
			}
		}
	}
	return all
}

// seen is what all users saw.
func (r *run) seen() pushtest.Seen {
	a, b := r.fleet.env.APNs.Seen(""), r.fleet.env.FCM.Seen("")
	return pushtest.Seen{
		Alerts: a.Alerts + b.Alerts, Stacked: a.Stacked + b.Stacked, Reappeared: a.Reappeared + b.Reappeared,
		Replaced: a.Replaced + b.Replaced, Backwards: a.Backwards + b.Backwards,
	}
}

func countKinds(shown []pushtest.Notification) map[string]int {
	count := map[string]int{}
	for _, n := range shown {
		var h struct{ Kind string }
		_ = json.Unmarshal(n.Hawser, &h) // what is no JSON was trouble when it came
		count[h.Kind]++
	}
	return count
}

// A verdict is what the checker finds.
type verdict struct {
	// Lost are pushes that an event asked for and that never came: neither its
	// version nor a newer one was pushed to that device.
	Lost int
	// Backwards are pushes of an older version after a newer one.
	Backwards int
	// Twice are pushes of a version that the provider had accepted already, by
	// the sort of the strike that was nearest to the first.
	Twice map[string]int
	// ShownTwice are notifications that a user saw a second time, and devices
	// that show two of a kind. Replaced are those that took the place of the
	// same one, which nobody sees.
	ShownTwice, Replaced int
	// Latest is the longest time from an event's answer to its push.
	Latest time.Duration
	// Faults names the first of each.
	Faults []string
}

const maxFaults = 20

func (v *verdict) fault(format string, args ...any) {
	if len(v.Faults) < maxFaults {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

func (v verdict) twice() (n int) {
	for _, k := range v.Twice {
		n += k
	}
	return n
}

// judge compares what was published with what was pushed.
func judge(f facts) verdict {
	v := verdict{Twice: map[string]int{}, ShownTwice: len(f.shownTwice) + f.seen.Duplicates(), Replaced: f.seen.Replaced}
	if n := f.seen.Duplicates(); n > 0 {
		v.fault("shown twice: users saw %d notifications again: %+v", n, f.seen)
	}
	for _, s := range f.shownTwice {
		v.fault("shown twice: %s", s)
	}
	came := map[target][]arrival{}
	for _, a := range f.arrivals {
		came[a.target] = append(came[a.target], a)
	}
	for _, p := range f.published {
		for _, t := range p.targets() {
			v.checkCame(p, t, came[t])
		}
	}
	for _, t := range slices.SortedFunc(maps.Keys(came), compareTargets) {
		v.checkOrder(t, came[t], f.strikes)
	}
	return v
}

func compareTargets(a, b target) int {
	return strings.Compare(a.String(), b.String())
}

// checkCame wants a push of the event, or of a newer one, to a device.
func (v *verdict) checkCame(p publication, t target, came []arrival) {
	for _, a := range came {
		if a.version >= p.version {
			v.Latest = max(v.Latest, a.at.Sub(p.at))
			return
		}
	}
	v.Lost++
	v.fault("lost: version %d, stored at %s, of %s was never pushed", p.version, p.at.Format(clock), t)
}

// checkOrder wants each version once, and none after a newer one.
func (v *verdict) checkOrder(t target, came []arrival, strikes []strike) {
	first := map[int64]arrival{}
	newest := int64(0)
	for _, a := range came {
		before, again := first[a.version]
		switch {
		case a.version < newest:
			v.Backwards++
			v.fault("backwards: version %d of %s was pushed at %s after version %d", a.version, t, a.at.Format(clock), newest)
		case again:
			v.Twice[cause(before.at, strikes)]++
		}
		if !again {
			first[a.version] = a
		}
		newest = max(newest, a.version)
	}
}

// cause is the sort of the strike that was nearest to when a push was accepted
// for the first time: it took away the answer, or what the queue was told of it.
func cause(at time.Time, strikes []strike) string {
	nearest, sort := time.Duration(math.MaxInt64), ""
	for _, s := range strikes {
		if d := at.Sub(s.at).Abs(); d < nearest {
			nearest, sort = d, s.sort
		}
	}
	return sort
}

// planted takes facts in which something is missing, too many or in the wrong
// order on purpose, and reports how many of these the checker does not find.
func planted(f facts, r *rand.Rand) (missed []string) {
	if len(f.published) == 0 || len(f.arrivals) == 0 {
		return []string{"there is nothing to plant a loss in"}
	}
	before := judge(f)
	lost := f
	p := f.published[r.IntN(len(f.published))]
	t := p.targets()[r.IntN(2)]
	lost.arrivals = slices.DeleteFunc(slices.Clone(f.arrivals), func(a arrival) bool { return a.target == t && a.version >= p.version })
	if judge(lost).Lost <= before.Lost {
		missed = append(missed, "a lost push")
	}
	again := f
	a := f.arrivals[r.IntN(len(f.arrivals))]
	again.arrivals = append(slices.Clone(f.arrivals), a)
	if v := judge(again); v.twice()+v.Backwards <= before.twice()+before.Backwards {
		missed = append(missed, "a push that was made twice")
	}
	older := f
	a.version--
	older.arrivals = append(slices.Clone(f.arrivals), a)
	if judge(older).Backwards <= before.Backwards {
		missed = append(missed, "a push that went backwards")
	}
	return missed
}
