package main

import (
	"fmt"
	"strings"
	"time"
)

// limits are what a fault may cost at most. A field of 0 is no limit.
type limits struct {
	publish, stall, rest, quic time.Duration
	// late is meant, if lateIs.
	late   int
	lateIs bool
}

// none is how long nothing may wait where a fault does not concern it. It is
// what a machine under load does to a message.
const none = time.Second

// over are the limits that a row exceeds. Without strict only what is clearly
// beyond counts: twice the limit and a second, because four cores carry a
// fleet, its devices and often a compiler beside them.
func (l limits) over(r row, strict bool) (names []string) {
	beyond := func(name string, took, limit time.Duration) {
		if !strict {
			took -= limit + time.Second
		}
		if limit > 0 && took > limit {
			names = append(names, name)
		}
	}
	beyond("publish", r.Publish, l.publish)
	beyond("stall", r.Stall.took, l.stall)
	beyond("rest", r.Rest.took, l.rest)
	beyond("quic", r.Quic.took, l.quic)
	late := r.Late
	if !strict {
		late -= l.late + 10
	}
	if l.lateIs && late > l.late {
		names = append(names, "late")
	}
	return names
}

func (l limits) String() string {
	var parts []string
	add := func(name string, d time.Duration) {
		if d > 0 {
			parts = append(parts, fmt.Sprintf("%s %.1f", name, d.Seconds()))
		}
	}
	add("publish", l.publish)
	add("stall", l.stall)
	add("rest", l.rest)
	add("quic", l.quic)
	if l.lateIs {
		parts = append(parts, fmt.Sprintf("late %d", l.late))
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}
