package main

import (
	"fmt"
	"time"
)

// A verdict is the balance of a run: each event for each device of its user
// is one pair, and each pair is heard, covered by a snapshot, pushed or lost.
type verdict struct {
	Events, Pairs int
	// Heard pairs are items that a connected device was handed; Snapshots
	// those for which it was told to take a snapshot instead, because they
	// are no longer in the log.
	Heard, Snapshots int
	// Pushed pairs are those of away and silent devices.
	Pushed, Lost int
	// Backwards counts versions that followed a greater one: items and pushes
	// of a device and kind, notifies of a connection and kind.
	Backwards int
	// StoredTwice counts ids with two versions, Strange what was handed over
	// or pushed though nobody published it.
	StoredTwice, Strange int
	// HandedTwice counts items that an application got again, PushedTwice
	// pushes that repeat a version, Needless those for what the application
	// had been handed before.
	HandedTwice, PushedTwice, Needless int
	// RepeatsPerKill is PushedTwice by the kill before it.
	RepeatsPerKill []int

	// HeardAfter and PushedAfter are how long each pair took.
	HeardAfter, PushedAfter []delay
	// Faults describe what must not be, the first maxFaults of them.
	Faults []string
}

// delay is how long an event took to reach a device, from the first attempt
// to publish it.
type delay struct {
	took  time.Duration
	part  part
	event publication
	by    arrival
}

func (d delay) String() string {
	return fmt.Sprintf("%.1f s: the %s device of %s, %s version %d begun %s, reached by version %d at %s",
		d.took.Seconds(), d.part, d.event.user, d.event.kind, d.event.version, d.event.begun.Format(clock),
		d.by.version, d.by.at.Format(clock))
}

// maxFaults bounds what a verdict describes.
const maxFaults = 40

// holds reports whether nothing happened that must not.
func (v *verdict) holds() bool {
	return v.Lost == 0 && v.Backwards == 0 && v.StoredTwice == 0 && v.Strange == 0
}

func (v *verdict) fault(format string, args ...any) {
	if len(v.Faults) < maxFaults {
		v.Faults = append(v.Faults, fmt.Sprintf(format, args...))
	}
}

// judge draws the balance. It is pure: the same facts give the same verdict.
func judge(f facts) verdict {
	v := verdict{Events: len(f.published), RepeatsPerKill: make([]int, len(f.kills))}
	byUser := map[string][]publication{}
	for _, p := range f.published {
		byUser[p.user] = append(byUser[p.user], p)
	}
	ids := newIdentities(f)
	ids.checkAnswers(&v, f)
	for _, d := range f.devices {
		v.checkDevice(d, byUser[d.user], f)
		ids.checkItems(&v, d)
	}
	return v
}

// checkDevice books the events of a device's user.
func (v *verdict) checkDevice(d deviceFacts, events []publication, f facts) {
	v.Pairs += len(events)
	if d.part == connected {
		v.checkHeard(d, events, f.keep-len(f.sent)+len(f.published))
		v.checkNeedless(d)
	} else {
		v.checkPushed(d, events)
	}
	v.checkForwards(d, "handed", d.handed)
	v.checkForwards(d, "pushed", d.pushes)
	v.checkForwards(d, "notified", d.told)
	v.countTwice(d, f.kills)
}

// version names one version of a kind.
type version struct {
	kind   string
	number int64
}

func (a arrival) of() version { return version{a.kind, a.version} }

// checkHeard wants each event handed over. One that is not is excused only by
// a snapshot of its version or a later one, told after the publication began
// and after at least keep newer events of the kind pushed it out of the log.
func (v *verdict) checkHeard(d deviceFacts, events []publication, keep int) {
	handed := map[version]arrival{}
	for _, a := range d.handed {
		if _, again := handed[a.of()]; !again {
			handed[a.of()] = a
		}
	}
	for _, e := range events {
		if a, ok := handed[version{e.kind, e.version}]; ok {
			v.Heard++
			v.HeardAfter = append(v.HeardAfter, delay{a.at.Sub(e.begun), d.part, e, a})
			continue
		}
		a, ok := firstCovering(d.snapshots, e)
		switch {
		case !ok:
			v.lost(d, e, "it was neither handed over nor covered by a snapshot")
		case newer(events, e, a.at) < keep:
			v.lost(d, e, "a snapshot was told in its place while the log still had it")
		default:
			v.Snapshots++
		}
	}
}

// newer counts the events of e's kind that are newer than e and may have been
// stored at a time.
func newer(events []publication, e publication, at time.Time) (n int) {
	for _, other := range events {
		if other.kind == e.kind && other.version > e.version && !other.begun.After(at) {
			n++
		}
	}
	return n
}

// checkPushed wants, for each event, a push that carries its version or a
// later one and reached the provider after the publication began: an
// application that is woken before that fetches without finding it.
func (v *verdict) checkPushed(d deviceFacts, events []publication) {
	for _, e := range events {
		if a, ok := firstCovering(d.pushes, e); ok {
			v.Pushed++
			v.PushedAfter = append(v.PushedAfter, delay{a.at.Sub(e.begun), d.part, e, a})
			continue
		}
		v.lost(d, e, "no push carried its version or a later one")
	}
}

func (v *verdict) lost(d deviceFacts, e publication, why string) {
	v.Lost++
	v.fault("lost: %s version %d (id %s, answered %s) for the %s device of %s: %s",
		e.kind, e.version, e.id, e.answered.Format(clock), d.part, d.user, why)
}

// clock is how faults tell the time: as the logs of the processes do.
const clock = "15:04:05.000"

// firstCovering is the first arrival that stands for an event.
func firstCovering(arrivals []arrival, e publication) (arrival, bool) {
	for _, a := range arrivals {
		if a.kind == e.kind && a.version >= e.version && !a.at.Before(e.begun) {
			return a, true
		}
	}
	return arrival{}, false
}

// checkForwards finds versions that follow a greater one of their kind and,
// for notifies, connection.
func (v *verdict) checkForwards(d deviceFacts, how string, arrivals []arrival) {
	type stream struct {
		kind string
		conn int
	}
	newest := map[stream]int64{}
	for _, a := range arrivals {
		s := stream{a.kind, a.conn}
		if a.version < newest[s] {
			v.Backwards++
			v.fault("backwards: the %s device of %s was %s %s version %d after %d, at %s",
				d.part, d.user, how, a.kind, a.version, newest[s], a.at.Format(clock))
		}
		newest[s] = max(newest[s], a.version)
	}
}

// countTwice finds what was handed over or pushed again.
func (v *verdict) countTwice(d deviceFacts, kills []time.Time) {
	seen := map[version]bool{}
	for _, a := range d.handed {
		if seen[a.of()] {
			v.HandedTwice++
		}
		seen[a.of()] = true
	}
	clear(seen)
	for _, a := range d.pushes {
		if seen[a.of()] {
			v.PushedTwice++
			v.blame(kills, a.at)
		}
		seen[a.of()] = true
	}
}

// blame books a repeated push under the last kill before it.
func (v *verdict) blame(kills []time.Time, at time.Time) {
	for i := len(kills) - 1; i >= 0; i-- {
		if !kills[i].After(at) {
			v.RepeatsPerKill[i]++
			return
		}
	}
}

// checkNeedless counts pushes for what the application had before.
func (v *verdict) checkNeedless(d deviceFacts) {
	handed := map[version]time.Time{}
	for _, a := range d.handed {
		handed[a.of()] = a.at
	}
	for _, p := range d.pushes {
		if at, ok := handed[p.of()]; ok && at.Before(p.at) {
			v.Needless++
		}
	}
}
