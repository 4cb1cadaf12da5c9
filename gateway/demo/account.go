package demo

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// An event is one message of the stream: a fact that a backend published.
type event struct {
	user    string
	kind    string
	version int64
	stored  time.Time
}

// An arrival is one item that a device's application was handed, in the order
// in which it was handed over.
type arrival struct {
	kind    string
	version int64
	at      time.Time
}

// A push is one notification that a provider's simulator received.
type push struct {
	token   string
	kind    string
	version int64
	at      time.Time
}

// A deviceRecord is what one device and its provider saw. It knows nothing of
// what hawser says that it did.
type deviceRecord struct {
	user     string
	device   string
	arrivals []arrival
	// pushes is in order of arrival at the provider.
	pushes []push
}

// An account holds the balance of a run: every event for every device of its
// user is delivered, pushed, or lost.
type account struct {
	Events    int `json:"events"`
	Pairs     int `json:"event_device_pairs"`
	Delivered int `json:"delivered"`
	Pushed    int `json:"pushed"`
	Lost      int `json:"lost"`
	Twice     int `json:"twice"`
	Backwards int `json:"backwards"`

	// Faults names each loss, repeat and step back.
	Faults []string `json:"faults,omitempty"`
}

func (a account) balanced() bool {
	return a.Lost == 0 && a.Twice == 0 && a.Backwards == 0 && a.Pairs == a.Delivered+a.Pushed && a.Pairs > 0
}

// balance draws the account from the stream and the records alone.
func balance(events []event, devices []deviceRecord) account {
	a := account{Events: len(events)}
	for _, d := range devices {
		for _, e := range events {
			if e.user == d.user {
				a.count(d, e)
			}
		}
		a.countTwice(d)
		a.countBackwards(d)
	}
	return a
}

// count books one event for one device under what reached the device first.
// A push reaches it for every version up to the one that it carries, because
// the application then fetches all that it lacks.
func (a *account) count(d deviceRecord, e event) {
	a.Pairs++
	heard, isHeard := d.heardAt(e)
	pushed, isPushed := d.pushedAt(e)
	switch {
	case isHeard && (!isPushed || heard.Before(pushed)):
		a.Delivered++
	case isPushed:
		a.Pushed++
	default:
		a.Lost++
		a.fault("lost", d, e.kind, e.version)
	}
}

func (d deviceRecord) heardAt(e event) (time.Time, bool) {
	for _, r := range d.arrivals {
		if r.kind == e.kind && r.version == e.version {
			return r.at, true
		}
	}
	return time.Time{}, false
}

func (d deviceRecord) pushedAt(e event) (time.Time, bool) {
	for _, p := range d.pushes {
		// A push that left before the event was stored cannot stand for it,
		// whatever version it carries.
		if p.kind == e.kind && p.version >= e.version && !p.at.Before(e.stored) {
			return p.at, true
		}
	}
	return time.Time{}, false
}

// countTwice finds items that an application was handed twice, pushes that
// repeat a version, and pushes for what the device already had.
func (a *account) countTwice(d deviceRecord) {
	type key struct {
		kind    string
		version int64
	}
	heard := map[key]time.Time{}
	for _, r := range d.arrivals {
		k := key{r.kind, r.version}
		if _, again := heard[k]; again {
			a.Twice++
			a.fault("handed over twice", d, r.kind, r.version)
			continue
		}
		heard[k] = r.at
	}
	pushed := map[key]bool{}
	for _, p := range d.pushes {
		k := key{p.kind, p.version}
		at, had := heard[k]
		if pushed[k] || (had && at.Before(p.at)) {
			a.Twice++
			a.fault("pushed though it had been reached", d, p.kind, p.version)
		}
		pushed[k] = true
	}
}

// countBackwards finds versions that follow a greater one of their kind.
func (a *account) countBackwards(d deviceRecord) {
	newest := map[string]int64{}
	for _, r := range d.arrivals {
		if r.version < newest[r.kind] {
			a.Backwards++
			a.fault("heard backwards", d, r.kind, r.version)
		}
		newest[r.kind] = max(newest[r.kind], r.version)
	}
	clear(newest)
	for _, p := range d.pushes {
		if p.version < newest[p.kind] {
			a.Backwards++
			a.fault("pushed backwards", d, p.kind, p.version)
		}
		newest[p.kind] = max(newest[p.kind], p.version)
	}
}

// latencies are the times from storing an event to the device's application
// having it, for what was heard over a connection first, sorted.
func latencies(events []event, devices []deviceRecord) []time.Duration {
	var all []time.Duration
	for _, d := range devices {
		for _, e := range events {
			if e.user != d.user {
				continue
			}
			heard, ok := d.heardAt(e)
			if pushed, isPushed := d.pushedAt(e); ok && (!isPushed || heard.Before(pushed)) {
				all = append(all, heard.Sub(e.stored))
			}
		}
	}
	slices.SortFunc(all, cmp.Compare[time.Duration])
	return all
}

// quantile is the value at or below which the share q of the sorted durations
// lies: the nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted))+0.999999) - 1
	return sorted[min(max(rank, 0), len(sorted)-1)]
}

func (a *account) fault(what string, d deviceRecord, kind string, version int64) {
	a.Faults = append(a.Faults, fmt.Sprintf("%s: %s's %s, %s version %d", what, d.user, d.device, kind, version))
}
