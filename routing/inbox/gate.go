package inbox

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	// slowAnswer is what answers do not take in the mean unless questions queue
	// up in NATS.
	slowAnswer = 50 * time.Millisecond
	// lostAfter is how long a question waits for an answer that is not late.
	lostAfter = 250 * time.Millisecond
	// leastPlaces is how many questions may always be under way, mostPlaces how
	// many ever, firstPlaces how many at the start. A server answers a thousand
	// questions of 1 ms a second, however many it is asked at once; but each
	// event that it takes in waits for those under way, which wait for it: with
	// 64 of them three servers took in a seventh of what they did with none,
	// with 16 a half.
	leastPlaces, firstPlaces, mostPlaces = 4, 8, 12
)

// A gate bounds the questions under way to what the log answers quickly. A
// NATS server answers reads one after the other, on the goroutine that also
// takes what is published; asked for more than it can do, it would answer
// every question after who asked has given up, and everything would be asked
// again, and the log would take nothing in. So the bound is halved where answers
// are slow, and grows while they are quick.
//
// What finds no place waits for one. Who had an answer and needs another one
// is next, then the newest. In order, each would have waited for as long as its
// device waits by its turn, as soon as there are more than are answered in that
// time: the log would answer all of them, and no device would hear of it. This
// way those that are answered have time left; the others ask again.
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
	places float64
	taken  int
	// waiting has those without an answer so far, begun those with one.
	waiting, begun line
	lateSeen       uint64
	usual          time.Duration // the mean of some tens of answers
	halvedAt       time.Time
	slowAt         time.Time // the last sign that answers are slow
}

// line is who waits for a place. The last one is next.
type line []chan struct{}

// next has one of the line begin, and reports false where nobody waits.
func (l *line) next() bool {
	n := len(*l) - 1
	if n < 0 {
		return false
	}
	close((*l)[n])
	*l = (*l)[:n]
	return true
}

// leave reports false for one whose turn has come.
func (l *line) leave(turn chan struct{}) bool {
	i := slices.Index(*l, turn)
	if i >= 0 {
		*l = slices.Delete(*l, i, i+1)
	}
	return i >= 0
}

// seat is the place of one question.
type seat struct {
	g     *gate
	timer *time.Timer
	free  bool // Guarded by g.mu. The place was given back.
}

func newGate(most int, late func() uint64) *gate {
	most = min(most, mostPlaces)
	return &gate{most: float64(most), late: late, places: float64(min(firstPlaces, most))}
}

// enter waits for a place until ctx ends. Who has one leaves. begun says that
// the caller had an answer before.
func (g *gate) enter(ctx context.Context, begun bool) (*seat, error) {
	if err := g.wait(ctx, begun); err != nil {
		return nil, err
	}
	p := &seat{g: g}
	p.timer = time.AfterFunc(lostAfter, func() { p.lost(time.Now()) })
	return p, nil
}

func (g *gate) wait(ctx context.Context, begun bool) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	g.mu.Lock()
	if g.taken < int(g.places) {
		g.taken++
		g.mu.Unlock()
		return nil
	}
	turn, line := make(chan struct{}), &g.waiting
	if begun {
		line = &g.begun
	}
	*line = append(*line, turn)
	g.mu.Unlock()
	select {
	case <-turn:
		return nil
	case <-ctx.Done():
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !line.leave(turn) {
		return nil // its turn came at the same moment
	}
	return fmt.Errorf("%w: too many reads at once: %w", ErrUnavailable, ctx.Err())
}

// leave gives the place back, and tells how long the answer took.
func (p *seat) leave(now time.Time, took time.Duration, answered bool) {
	p.timer.Stop()
	g := p.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if answered {
		g.usual += (took - g.usual) / 16
	}
	late := g.late()
	slow := late != g.lateSeen || g.usual > slowAnswer
	g.lateSeen = late
	if slow {
		g.slowAt = now
	}
	switch {
	case slow && now.Sub(g.halvedAt) > lostAfter:
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
	for g.taken < int(g.places) && (g.begun.next() || g.waiting.next()) {
		g.taken++
	}
}

// state is for metrics.
func (g *gate) state() (places, waiting int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return int(g.places), len(g.waiting) + len(g.begun)
}
