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
	// or pushed though nobody published it for that user.
	StoredTwice, Strange int
	// Forgotten counts ids with two versions for which there is a reason: all
	// NATS servers had started anew after newer events pushed the first out of
	// the log, by which they know the ids.
	Forgotten int
	// HandedTwice counts items that an application got again, PushedTwice
	// pushes that repeat a version, Needless those for what the application
	// had been handed before.
	HandedTwice, PushedTwice, Needless int

	// Rows are the balances of the phases.
	Rows []row
	// HeardAfter is how long each pair took, from the event's answer.
	HeardAfter []time.Duration
	// Faults describe what must not be, the first maxFaults of them.
	Faults []string
	// missing are the pairs that are lost, losses the same with all that is known
	// of them.
	missing map[pair]bool
	losses  []loss
}

// pair is an event and a device.
type pair struct{ key, device string }

// loss is an event that did not reach a device.
type loss struct {
	event  publication
	device *deviceFacts
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
