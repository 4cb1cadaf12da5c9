package inbox

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// slowAnswer is what no answer takes unless questions queue up in NATS.
	slowAnswer = 250 * time.Millisecond
	// leastPlaces is how many questions may always be under way; firstPlaces
	// how many at the start.
	leastPlaces, firstPlaces = 4, 64
)

// A gate bounds the questions under way to what the log answers quickly. A
// NATS server answers reads one after the other, on the goroutine that also
// takes what is published; asked for more than it can do, it would answer
// every question after who asked has given up, and everything would be asked
// again. So the bound is halved where answers are slow, and grows while they
// are quick. What finds no place waits for one, in order.
//
// A question that is never answered says nothing: its server may have died
// with it. One that is answered too late says that there are too many. While
// others are answered quickly the place of one that is not goes to the next.
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
	slowAt   time.Time // the last sign that answers are slow
}

// seat is the place of one question.
type seat struct {
	g     *gate
	timer *time.Timer
	free  bool // Guarded by g.mu. The place was given back.
}

func newGate(most int, late func() uint64) *gate {
	return &gate{most: float64(most), late: late, places: min(firstPlaces, float64(most))}
}

// enter waits for a place until ctx ends. Who has one leaves.
func (g *gate) enter(ctx context.Context) (*seat, error) {
	if err := g.wait(ctx); err != nil {
		return nil, err
	}
	p := &seat{g: g}
	p.timer = time.AfterFunc(slowAnswer, func() { p.lost(time.Now()) })
	return p, nil
}

func (g *gate) wait(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	g.mu.Lock()
	if g.taken < int(g.places) {
		g.taken++
		g.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	g.waiting = append(g.waiting, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	i := slices.Index(g.waiting, turn)
	if i < 0 {
		return nil // its turn came at the same moment
	}
	g.waiting = slices.Delete(g.waiting, i, i+1)
	return fmt.Errorf("%w: too many reads at once: %w", ErrUnavailable, ctx.Err())
}

// leave gives the place back, and tells how long the answer took.
func (p *seat) leave(now time.Time, took time.Duration, answered bool) {
	p.timer.Stop()
	g := p.g
	g.mu.Lock()
	defer g.mu.Unlock()
	late := g.late()
	slow := late != g.lateSeen || answered && took > slowAnswer
	g.lateSeen = late
	if slow {
		g.slowAt = now
	}
	switch {
	case slow && now.Sub(g.halvedAt) > slowAnswer:
		g.places, g.halvedAt = max(g.places/2, min(leastPlaces, g.most)), now
	case answered && !slow && g.taken >= int(g.places):
		g.places = min(g.places+1/g.places, g.most)
	}
	p.giveBack()
}

// lost gives the place of a question back that has no answer although others
// have.
func (p *seat) lost(now time.Time) {
	p.g.mu.Lock()
	defer p.g.mu.Unlock()
	if now.Sub(p.g.slowAt) > time.Second {
		p.giveBack()
	}
}

// giveBack is for who holds the lock.
func (p *seat) giveBack() {
	if p.free {
		return
	}
	p.free = true
	g := p.g
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
