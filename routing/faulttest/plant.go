package main

import (
	"math/rand/v2"
	"slices"
)

// losses takes the facts of a run in which nothing is lost, has some arrivals
// not have happened, and counts how many of the losses the checker finds. One
// is planted for each tenant and part of devices: a checker that has gone
// blind in one of these places would let a run hold that does not.
func losses(f facts, r *rand.Rand) (planted, found int) {
	for _, tenant := range tenants() {
		for _, p := range []part{connected, away, silent} {
			spoiled, missing, ok := plant(f, tenant, p, r)
			if !ok {
				continue
			}
			planted++
			if v := judge(spoiled); v.missing[missing] && !v.holds() {
				found++
			}
		}
	}
	return planted, found
}

// of are the facts about one user without its devices.
func (f facts) of(o owner) facts {
	all := len(f.published)
	f.published = slices.DeleteFunc(slices.Clone(f.published), func(e publication) bool { return e.owner != o })
	f.keep += all - len(f.published) // what had no answer remains as many as it was
	f.repeats, f.devices = nil, nil
	return f
}

// plant hides one event from one device of a tenant. The facts it returns are
// those of that device alone.
func plant(f facts, tenant string, p part, r *rand.Rand) (spoiled facts, missing pair, ok bool) {
	for _, i := range r.Perm(len(f.devices)) {
		d := f.devices[i]
		if d.tenant != tenant || d.part != p {
			continue
		}
		spoiled = f.of(d.owner)
		events := slices.Clone(spoiled.published)
		if p == connected { // what a snapshot stood for has no item to hide
			handed := map[string]bool{}
			for _, a := range d.handed {
				handed[a.key] = true
			}
			events = slices.DeleteFunc(events, func(e publication) bool { return !handed[e.key] })
		}
		if len(events) == 0 {
			continue
		}
		e := events[r.IntN(len(events))]
		spoiled.devices = []deviceFacts{hide(d, e)}
		return spoiled, pair{e.key, d.String()}, true
	}
	return facts{}, pair{}, false
}

// hide is a device that an event never reached.
func hide(d deviceFacts, e publication) deviceFacts {
	without := func(arrivals []arrival, covers func(arrival) bool) []arrival {
		return slices.DeleteFunc(slices.Clone(arrivals), func(a arrival) bool { return a.kind == e.kind && covers(a) })
	}
	d.handed = without(d.handed, func(a arrival) bool { return a.version == e.version })
	d.snapshots = without(d.snapshots, func(a arrival) bool { return a.version >= e.version })
	d.pushes = without(d.pushes, func(a arrival) bool { return a.version >= e.version })
	return d
}
