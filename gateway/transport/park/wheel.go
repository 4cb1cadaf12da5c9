package park

import (
	"sync"
	"time"
)

const (
	// tick is the wheel's step.
	tick = 100 * time.Millisecond
	// wheelSlots is how many steps the wheel holds. What is due later is looked
	// at when the wheel has turned once, and put in again.
	wheelSlots = 1024
)

// wheel holds the numbers of what has to be looked at, by when. It knows no
// more of them: who put a number in says whether it still matters.
type wheel struct {
	start time.Time // static: tick 0

	mu sync.Mutex
	// Guarded by mu.
	now   uint32 // the last tick that was taken out
	slots [wheelSlots][]int32
	spare []int32 // the array of a slot that was taken out, for one that is empty
}

func newWheel() *wheel { return &wheel{start: time.Now()} }

// tickOf is the first tick at which t has passed, at least 1. The zero time is
// 0: never.
func (w *wheel) tickOf(t time.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	d := t.Sub(w.start)
	if d <= 0 {
		return 1
	}
	return uint32(min((d+tick-1)/tick, 1<<32-1))
}

// add has n looked at when tick due is taken out, or earlier. It returns that
// tick.
func (w *wheel) add(n int32, due uint32) uint32 {
	w.mu.Lock()
	defer w.mu.Unlock()
	at := min(max(due, w.now+1), w.now+wheelSlots-1)
	slot := &w.slots[at%wheelSlots]
	if *slot == nil {
		*slot, w.spare = w.spare, nil
	}
	*slot = append(*slot, n)
	return at
}

// turn calls look for everything up to now. It must not be called twice at
// once.
func (w *wheel) turn(now time.Time, look func(n int32, at uint32)) {
	for {
		numbers, at, ok := w.next(now)
		if !ok {
			return
		}
		for _, n := range numbers {
			look(n, at)
		}
		w.keep(numbers)
	}
}

// keep has the array of a slot that was taken out used again: what is due in
// minutes goes from slot to slot together. An array that was mostly empty is
// let go, so that none has room for more than twice what was in it when it was
// taken out or is in it now.
func (w *wheel) keep(numbers []int32) {
	if len(numbers) == 0 || len(numbers) < cap(numbers)/2 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.spare = numbers[:0]
}

// next takes out the next tick that has passed entirely.
func (w *wheel) next(now time.Time) (numbers []int32, at uint32, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if now.Sub(w.start) < time.Duration(w.now+1)*tick {
		return nil, 0, false
	}
	w.now++
	slot := &w.slots[w.now%wheelSlots]
	numbers, *slot = *slot, nil
	return numbers, w.now, true
}
