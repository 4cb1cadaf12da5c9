package inbox

import (
	"context"
	"errors"
	"testing"
	"time"
)

// A log that answers one question in a tick, asked for more than that: nobody
// may be left to wait until nobody is served.
func TestGateKeepsAnswersQuick(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var late uint64
	g := newGate(4096, func() uint64 { return late })
	for range 100 { // as a fast log lets it grow
		for _, p := range enter(t, g, int(g.places)) {
			p.leave(now, time.Millisecond, true)
		}
	}
	if grown := int(g.places); grown <= firstPlaces {
		t.Fatalf("%d places after thousands of quick answers to all that was asked", grown)
	}
	for range 10 {
		now = now.Add(slowAnswer + time.Millisecond)
		enter(t, g, 1)[0].leave(now, time.Second, true)
	}
	if g.places != leastPlaces {
		t.Errorf("%v places while answers are slow, want %d", g.places, leastPlaces)
	}
	enter(t, g, leastPlaces)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := g.enter(ctx); !errors.Is(err, ErrUnavailable) {
		t.Errorf("one more than there are places got in: %v", err)
	}
	if _, waiting := g.state(); waiting != 0 {
		t.Errorf("%d wait who have given up", waiting)
	}
}

// What dies with its server says nothing of the log; what comes after it was
// given up does.
func TestGateTellsLostFromLate(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	var late uint64
	g := newGate(4096, func() uint64 { return late })
	for range 10 {
		now = now.Add(time.Second)
		enter(t, g, 1)[0].leave(now, time.Second, false)
	}
	if g.places != firstPlaces {
		t.Errorf("%v places after lost questions, want %d", g.places, firstPlaces)
	}
	late += 3
	enter(t, g, 1)[0].leave(now, time.Second, false)
	if g.places != firstPlaces/2 {
		t.Errorf("%v places after late answers, want %d", g.places, firstPlaces/2)
	}
}

// A server that died with questions holds up no others, unless all are slow.
func TestGateForgetsTheLost(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	g := newGate(4096, func() uint64 { return 0 })
	for _, p := range enter(t, g, 3) {
		p.lost(now)
		p.leave(now, time.Second, false)
	}
	if g.taken != 0 {
		t.Errorf("%d places are taken, want none", g.taken)
	}
	slow := enter(t, g, 2)
	slow[0].leave(now, time.Second, true)
	if slow[1].lost(now); g.taken != 1 {
		t.Errorf("%d places are taken while answers are slow, want the one that has none", g.taken)
	}
}

func TestGateIsInOrder(t *testing.T) {
	g := newGate(1, func() uint64 { return 0 })
	first := enter(t, g, 1)[0]
	type turn struct {
		number int
		place  *seat
	}
	in := make(chan turn, 2)
	for i := range 2 {
		go func() {
			if p, err := g.enter(t.Context()); err == nil {
				p.timer.Stop()
				in <- turn{i, p}
			}
		}()
		for {
			if _, waiting := g.state(); waiting == i+1 {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	now := time.Now()
	for i := range 2 {
		first.leave(now, time.Millisecond, true)
		got := <-in
		if first = got.place; got.number != i {
			t.Errorf("the place went to %d, want %d", got.number, i)
		}
	}
}

func enter(t *testing.T, g *gate, n int) (places []*seat) {
	t.Helper()
	for range n {
		p, err := g.enter(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		p.timer.Stop() // the tests say themselves what is lost
		places = append(places, p)
	}
	return places
}
