package dispatch

import (
	"container/heap"
	"time"
)

// timers orders the deliveries by when they are due.
type timers struct{ heap []*delivery }

// due returns the next delivery that is due, and takes it out.
func (t *timers) due(now time.Time) *delivery {
	if len(t.heap) == 0 || t.heap[0].due.After(now) {
		return nil
	}
	return heap.Pop(t).(*delivery)
}

// set makes d due at a time; the zero time means never.
func (t *timers) set(d *delivery, at time.Time) {
	if at.IsZero() {
		t.remove(d)
		return
	}
	d.due = at
	if d.timer < 0 {
		heap.Push(t, d)
	} else {
		heap.Fix(t, d.timer)
	}
}

func (t *timers) remove(d *delivery) {
	if d.timer >= 0 {
		heap.Remove(t, d.timer)
	}
}

// Len, Less, Swap, Push and Pop are for container/heap.

func (t *timers) Len() int           { return len(t.heap) }
func (t *timers) Less(i, j int) bool { return t.heap[i].due.Before(t.heap[j].due) }

func (t *timers) Swap(i, j int) {
	t.heap[i], t.heap[j] = t.heap[j], t.heap[i]
	t.heap[i].timer, t.heap[j].timer = i, j
}

func (t *timers) Push(x any) {
	d := x.(*delivery)
	d.timer = len(t.heap)
	t.heap = append(t.heap, d)
}

func (t *timers) Pop() any {
	n := len(t.heap) - 1
	d := t.heap[n]
	t.heap[n] = nil
	t.heap = t.heap[:n]
	d.timer = -1
	return d
}
