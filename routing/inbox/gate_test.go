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
	for range 400 { // as a fast log lets it grow
		mustEnter(t, g, int(g.places))
		for g.taken > 0 {
			g.leave(now, time.Millisecond, true)
		}
	}
	grown := int(g.places)
	if grown <= firstPlaces {
		t.Fatalf("%d places after thousands of quick answers to all that was asked", grown)
	}
	for range 10 {
		now = now.Add(slowAnswer + time.Millisecond)
		mustEnter(t, g, 1)
		g.leave(now, time.Second, true)
	}
	if g.places != leastPlaces {
		t.Errorf("%v places while answers are slow, want %d", g.places, leastPlaces)
	}
	mustEnter(t, g, leastPlaces)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := g.enter(ctx); !errors.Is(err, ErrUnavailable) {
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
		mustEnter(t, g, 1)
		g.leave(now, time.Second, false)
	}
	if g.places != firstPlaces {
		t.Errorf("%v places after lost questions, want %d", g.places, firstPlaces)
	}
	late += 3
	mustEnter(t, g, 1)
	g.leave(now, time.Second, false)
	if g.places != firstPlaces/2 {
		t.Errorf("%v places after late answers, want %d", g.places, firstPlaces/2)
	}
}

func TestGateIsInOrder(t *testing.T) {
	g := newGate(1, func() uint64 { return 0 })
	mustEnter(t, g, 1)
	in := make(chan int, 2)
	for i := range 2 {
		go func() {
			if err := g.enter(t.Context()); err == nil {
				in <- i
			}
		}()
		for {
			if _, waiting := g.state(); waiting == i+1 {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	for i := range 2 {
		g.leave(time.Now(), time.Millisecond, true)
		if got := <-in; got != i {
			t.Errorf("the place went to %d, want %d", got, i)
		}
	}
}

func mustEnter(t *testing.T, g *gate, n int) {
	t.Helper()
	for range n {
		if err := g.enter(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
