package transport

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// No more than may do so compute at once, and everybody has a turn.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const places, all = 2, 10
		of := newTurns(places, unhindered)
		var computing atomic.Int32
		var wg sync.WaitGroup
		start := time.Now()
		for range all {
			wg.Go(func() {
				own := &turn{of: of}
				for range 3 {
					own.take()
					own.take() // has it already
					if n := computing.Add(1); n > places {
						t.Errorf("%d compute at once", n)
					}
					time.Sleep(time.Millisecond)
					computing.Add(-1)
					own.rest()
					own.rest()
				}
			})
		}
		wg.Wait()
		// No place is empty before the last one has begun, who has three turns.
		if took := time.Since(start); took > (3*all/places+2)*time.Millisecond {
			t.Errorf("took %v: some place was empty", took)
		}
	})
}

func TestPacer(t *testing.T) {
	const perSecond, burst = 100, 10
	p := newPacer(perSecond, burst)
	now := time.Now()
	for i := range burst {
		if wait := p.reserve(now); wait > 0 {
			t.Fatalf("number %d of a burst waits %v", i, wait)
		}
	}
	for i := range 5 {
		want := time.Duration(i+1) * 10 * time.Millisecond
		if got := p.reserve(now); got != want {
			t.Errorf("number %d after a burst waits %v, want %v", i, got, want)
		}
	}
	if wait := p.reserve(now.Add(time.Hour)); wait > 0 {
		t.Errorf("after an hour it waits %v", wait)
	}
}

// unhindered is a stint that the system never keeps waiting.
func unhindered() func() time.Duration { return hindered(0)() }

// hindered is one that it keeps waiting for so long.
func hindered(wait time.Duration) func() func() time.Duration {
	return func() func() time.Duration { return func() time.Duration { return wait } }
}

// Handshakes that the system keeps waiting leave it to others for longer than
// that, and go on all the same.
func TestTurnsOfTheHindered(t *testing.T) {
	for name, c := range map[string]struct{ turn, wait, least, most time.Duration }{
		"not at all":   {300 * time.Microsecond, 0, 300 * time.Microsecond, 300 * time.Microsecond},
		"for a part":   {300 * time.Microsecond, 100 * time.Microsecond, 690 * time.Microsecond, 710 * time.Microsecond},
		"for ages":     {time.Second, time.Second, time.Second + mostRest, time.Second + mostRest},
		"all the time": {time.Millisecond, time.Millisecond, 4990 * time.Microsecond, 5010 * time.Microsecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const all = 1000
				of := newTurns(1, hindered(c.wait))
				var wg sync.WaitGroup
				start := time.Now()
				for range all {
					wg.Go(func() {
						own := &turn{of: of}
						own.take()
						time.Sleep(c.turn)
						own.rest()
					})
				}
				wg.Wait()
				if each := time.Since(start) / (all - 1); each < c.least || each > c.most+c.turn/100 {
					t.Errorf("%v for each, want %v to %v", each, c.least, c.most)
				}
				start = time.Now()
				own := &turn{of: of}
				own.take()
				if waited := time.Since(start); waited > mostRest {
					t.Errorf("who comes by himself waited %v", waited)
				}
				own.rest()
			})
		})
	}
}

// Who has computed goes before who has not.
func TestTurnsOfThoseWhoBegan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := newTurns(1, unhindered)
		of.get(false)
		order := make(chan string, 3)
		for _, w := range []struct {
			name  string
			begun bool
		}{{"new", false}, {"begun", true}, {"begun later", true}} {
			go func() {
				of.get(w.begun)
				order <- w.name
				of.put(0)
			}()
			synctest.Wait()
		}
		of.put(0)
		for _, want := range []string{"begun", "begun later", "new"} {
			if got := <-order; got != want {
				t.Errorf("%s, want %s", got, want)
			}
		}
	})
}
