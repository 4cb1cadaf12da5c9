package main

import (
	"slices"
	"time"
)

// version names one version of a kind.
type version struct {
	kind   string
	number int64
}

func (a arrival) of() version { return version{a.kind, a.version} }

// firsts are the first arrivals of each version of a kind.
func firsts(arrivals []arrival, kind string) map[int64]arrival {
	first := map[int64]arrival{}
	for _, a := range arrivals {
		if _, again := first[a.version]; a.kind == kind && !again {
			first[a.version] = a
		}
	}
	return first
}

func only(arrivals []arrival, kind string) (of []arrival) {
	for _, a := range arrivals {
		if a.kind == kind {
			of = append(of, a)
		}
	}
	return of
}

// pushedOut reports whether keep of the newer events may have been stored at a
// time.
func pushedOut(newer []publication, at time.Time, keep int) bool {
	for _, e := range newer {
		if keep <= 0 {
			break
		}
		if !e.begun.After(at) {
			keep--
		}
	}
	return keep <= 0
}

// firstCovering is the first arrival that stands for an event. The arrivals
// are of its kind and in order of time.
func firstCovering(arrivals []arrival, e publication) (arrival, bool) {
	from, _ := slices.BinarySearchFunc(arrivals, e.begun, func(a arrival, at time.Time) int { return a.at.Compare(at) })
	for _, a := range arrivals[from:] {
		if a.version >= e.version {
			return a, true
		}
	}
	return arrival{}, false
}
