package inbox

import (
	"context"
	"fmt"
	"sync"
	"time"
)

const (
	// slowAnswer is what no answer takes unless questions queue up in NATS.
	slowAnswer = 250 * time.Millisecond
	// leastPlaces is how many questions may always be under way; firstPlaces
	// how many at the start.
	leastPlaces, firstPlaces = 16, 64
)

// A gate bounds the questions under way to what the log answers quickly. A
// NATS server answers reads one after the other, on the goroutine that also
// takes what is published; asked for more than it can do, it would answer
// every question after who asked has given up, and everything would be asked
// again. So the bound is halved where answers are slow, and grows while they
// are quick. What finds no place waits for one, in order.
//
// A question that is never answered says nothing: its server may have died
// with it. One that is answered too late says that there are too many.
type gate struct {
	// Static after construction.
	most float64
	// late counts the answers that came after they were given up.
	late func() uint64

	mu sync.Mutex
	// Guarded by mu.
	places   float64
	taken    int
	waiting  []chan struct{}
	lateSeen uint64
	halvedAt time.Time
}

func newGate(most int, late func() uint64) *gate {
	return &gate{most: float64(most), late: late, places: min(firstPlaces, float64(most))}
}

// enter waits for a place until ctx ends. Who has one leaves.
func (g *gate) enter(ctx context.Context) error {
	g.mu.Lock()
	if g.taken < int(g.places) {
		g.taken++
		g.mu.Unlock()
		return nil
	}
	place := make(chan struct{})
	g.waiting = append(g.waiting, place)
	g.mu.Unlock()
	select {
	case <-place:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, w := range g.waiting {
		if w == place {
			g.waiting = append(g.waiting[:i], g.waiting[i+1:]...)
			return fmt.Errorf("%w: too many reads at once: %w", ErrUnavailable, ctx.Err())
		}
	}
	return nil // given one at the same moment
}

// leave gives the place back, and tells how long the answer took.
func (g *gate) leave(now time.Time, took time.Duration, answered bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	late := g.late()
	switch {
	case late != g.lateSeen || answered && took > slowAnswer:
		if now.Sub(g.halvedAt) > slowAnswer {
			g.places, g.halvedAt = max(g.places/2, min(leastPlaces, g.most)), now
		}
	case answered && g.taken >= int(g.places):
		g.places = min(g.places+0.25, g.most)
	}
	g.lateSeen = late
	g.taken--
	for g.taken < int(g.places) && len(g.waiting) > 0 {
		close(g.waiting[0])
		g.waiting = g.waiting[1:]
		g.taken++
	}
}

// state is for metrics.
func (g *gate) state() (places, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.places), len(g.waiting)
}
