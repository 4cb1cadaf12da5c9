package breaker_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/routing/breaker"
)

func call(t *testing.T, b *breaker.Breaker, o breaker.Outcome) {
	t.Helper()
	p, _, ok := b.Allow()
	if !ok {
		t.Fatal("refused")
	}
	b.Done(p, o)
}

func refused(t *testing.T, b *breaker.Breaker) time.Duration {
	t.Helper()
	_, wait, ok := b.Allow()
	if ok || wait <= 0 {
		t.Fatalf("allowed %v, wait %v", ok, wait)
	}
	return wait
}

func TestOpensAfterFailuresInARow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var changes []bool
		b := breaker.New(breaker.Config{OnChange: func(open bool) { changes = append(changes, open) }})
		for range 3 {
			for range 4 {
				call(t, b, breaker.Failed)
			}
			call(t, b, breaker.Unknown)
			call(t, b, breaker.Alive)
		}
		if b.Open() {
			t.Fatal("open, though something was answered in between")
		}
		for range 5 {
			call(t, b, breaker.Failed)
		}
		if wait := refused(t, b); wait < time.Second || wait > 1250*time.Millisecond {
			t.Errorf("the first rest is %v", wait)
		}
		time.Sleep(1250 * time.Millisecond)
		call(t, b, breaker.Alive)
		call(t, b, breaker.Failed)
		if b.Open() || !slices.Equal(changes, []bool{true, false}) {
			t.Errorf("open %v, changes %v", b.Open(), changes)
		}
	})
}

// Each probe that fails doubles the rest, up to a bound; one at a time is let
// through.
func TestProbes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changes := 0
		b := breaker.New(breaker.Config{Failures: 1, OnChange: func(bool) { changes++ }})
		call(t, b, breaker.Failed)
		for _, rest := range []time.Duration{1, 2, 4, 8, 10, 10} {
			rest *= time.Second
			if wait := refused(t, b); wait < rest || wait > rest+rest/4+1 {
				t.Errorf("rest %v, want %v and up to a quarter", wait, rest)
			}
			time.Sleep(rest + rest/4 + 1)
			p, _, ok := b.Allow()
			if !ok {
				t.Fatal("no probe after the rest")
			}
			refused(t, b)
			b.Done(p, breaker.Failed)
		}
		time.Sleep(13 * time.Second)
		call(t, b, breaker.Unknown) // the probe said nothing: the next one probes
		call(t, b, breaker.Alive)
		if b.Open() || changes != 2 {
			t.Errorf("open %v after %d changes", b.Open(), changes)
		}
		call(t, b, breaker.Failed)
		if wait := refused(t, b); wait > 1250*time.Millisecond {
			t.Errorf("the rest does not begin anew: %v", wait)
		}
	})
}

// What began before the breaker opened neither closes nor extends it.
func TestLateOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := breaker.New(breaker.Config{Failures: 2})
		var begun []breaker.Permit
		for range 4 {
			p, _, _ := b.Allow()
			begun = append(begun, p)
		}
		b.Done(begun[0], breaker.Failed)
		b.Done(begun[1], breaker.Failed)
		before := refused(t, b)
		b.Done(begun[2], breaker.Failed)
		b.Done(begun[3], breaker.Alive)
		if after := refused(t, b); after != before {
			t.Errorf("the rest went from %v to %v", before, after)
		}
	})
}
