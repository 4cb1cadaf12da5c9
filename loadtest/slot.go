package main

import (
	"errors"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/rawdevice"
)

// slot is what an edge that had no room told a device. It is owned by the
// device's goroutine.
type slot struct {
	proof []byte    // of the last Close
	told  time.Time // of the first Close since the last Welcome; zero: none
	at    time.Time // when that one asked the device to come back
	given int       // how many there were
}

// take keeps the slot that came instead of a Welcome.
func (s *slot) take(err error, now time.Time) (wait time.Duration, ok bool) {
	var told *rawdevice.ClosedError
	if !errors.As(err, &told) || told.Wait <= 0 {
		return 0, false
	}
	if s.given++; s.given == 1 {
		s.told, s.at = now, now.Add(told.Wait)
	}
	s.proof = told.Slot
	return told.Wait, true
}

// end forgets the slots of a device that is welcomed, and returns how it went.
func (s *slot) end(now time.Time) keptSlot {
	k := keptSlot{told: s.told, at: s.at, given: s.given, welcomed: now}
	*s = slot{}
	return k
}

// keptSlot is a slot and what came of it. None was given if told is zero.
type keptSlot struct {
	told, at, welcomed time.Time
	given              int
}

// share is how long the device waited, as a part of what it was told first.
func (k keptSlot) share() float64 { return float64(k.welcomed.Sub(k.told)) / float64(k.at.Sub(k.told)) }

// slotGrace is by what share of its wait a device may be served later than it
// was told.
const slotGrace = 1.2

// SlotStats is how a worker's devices fared that an edge sent away.
type SlotStats struct {
	Devices int // that were told a slot and welcomed afterwards
	Late    int // of them: welcomed later than slotGrace
	Again   int // of them: told another slot in between
	// Worst is the greatest share of a wait that a device waited.
	Worst float64
	// First and Last are the slots that lie furthest apart.
	First, Last time.Time
}

func (s *SlotStats) add(o SlotStats) {
	s.Devices += o.Devices
	s.Late += o.Late
	s.Again += o.Again
	s.Worst = max(s.Worst, o.Worst)
	if !o.First.IsZero() && (s.First.IsZero() || o.First.Before(s.First)) {
		s.First = o.First
	}
	if o.Last.After(s.Last) {
		s.Last = o.Last
	}
}

// slots gathers what came of the slots of a worker's devices.
type slots struct {
	// Static after construction.
	latencies *histograms

	mu  sync.Mutex
	sum SlotStats // Guarded by mu.
}

// kept notes a welcomed device, if it is one of a storm.
func (s *slots) kept(k keptSlot, storm bool) {
	if k.given == 0 || !storm {
		return
	}
	s.latencies.of(groupSlotWait).record(k.at.Sub(k.told))
	s.latencies.of(groupSlotLate).record(max(k.welcomed.Sub(k.at), 0))
	one := SlotStats{Devices: 1, Worst: k.share(), First: k.at, Last: k.at}
	if one.Worst > slotGrace {
		one.Late = 1
	}
	if k.given > 1 {
		one.Again = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sum.add(one)
}

func (s *slots) stats() SlotStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sum
}
