package inbox

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
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
		now = now.Add(lostAfter + time.Millisecond)
		enter(t, g, 1)[0].leave(now, time.Second, true)
	}
	if g.places != leastPlaces {
		t.Errorf("%v places while answers are slow, want %d", g.places, leastPlaces)
	}
	enter(t, g, leastPlaces)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := g.enter(ctx, false); !errors.Is(err, ErrUnavailable) {
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

// A log that answers a question each 10 ms, asked twice as many by devices that
// wait for a second and need two answers: those that come to their turn must
// have the time for both. In order, none of them would.
func TestOverloadedGateServesTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, func() uint64 { return 0 })
		var served atomic.Int64
		ask := func(ctx context.Context, begun bool) bool {
			p, err := g.enter(ctx, begun)
			if err != nil {
				return false
			}
			time.Sleep(10 * time.Millisecond)
			p.leave(time.Now(), 10*time.Millisecond, true)
			return ctx.Err() == nil
		}
		var devices sync.WaitGroup
		for range 1000 { // ten seconds of them
			devices.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				if ask(ctx, false) && ask(ctx, true) {
					served.Add(1)
				}
			})
			time.Sleep(10 * time.Millisecond)
		}
		devices.Wait()
		if n := served.Load(); n < 450 {
			t.Errorf("%d of 1000 devices were served, the log answers enough for 500", n)
		}
	})
}

func enter(t *testing.T, g *gate, n int) (places []*seat) {
	t.Helper()
	for range n {
		p, err := g.enter(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		p.timer.Stop() // the tests say themselves what is lost
		places = append(places, p)
	}
	return places
}
