package inbox

import (
	"hash/maphash"
	"sync/atomic"
)

// floorSlots is how many users' kinds are told apart: 512 KiB.
const floorSlots = 1 << 16

// Floors remember up to which sequence of the log there is something of a
// user's kind: what a router was handed must be in the answers that it gives.
// Those that share a slot share the greater number, with which an answer is only
// looked at more closely. They may be used by many goroutines.
type Floors struct {
	seed  maphash.Seed
	slots [floorSlots]atomic.Uint64
}

// NewFloors know of nothing yet.
func NewFloors() *Floors { return &Floors{seed: maphash.MakeSeed()} }

// Raise notes that the log has an event with this sequence.
func (f *Floors) Raise(tenant, user, kind string, seq uint64) {
	slot := f.slot(tenant, user, kind)
	for old := slot.Load(); old < seq && !slot.CompareAndSwap(old, seq); {
		old = slot.Load()
	}
}

// Of is the sequence that what is read of a user's kind has to reach; 0: none
// is known.
func (f *Floors) Of(tenant, user, kind string) uint64 { return f.slot(tenant, user, kind).Load() }

func (f *Floors) slot(tenant, user, kind string) *atomic.Uint64 {
	of := maphash.Comparable(f.seed, [3]string{tenant, user, kind})
	return &f.slots[of%floorSlots]
}
