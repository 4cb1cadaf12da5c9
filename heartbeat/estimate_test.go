package heartbeat

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A pool of three NATs is told apart: where each of its connections climbs
// until it dies, the shares that die are found at each of the three timeouts and
// nowhere between them.
func TestPoolIsToldApart(t *testing.T) {
	pool := []float64{150, 435, 1237}
	steps := []float64{100, 145, 160, 230, 430, 460, 700, 1200}
	rng := rand.New(rand.NewPCG(1, 1))
	var c cell
	for range 600 {
		timeout, lo := pool[rng.IntN(len(pool))], -1
		for _, step := range steps {
			if rng.IntN(4) == 0 {
				continue // not each climbs by each step
			}
			if step > timeout {
				c.perished(lo, ceilBucket(step), 1)
				break
			}
			c.survived(lo, floorBucket(step))
			lo = floorBucket(step)
		}
	}
	c.path.Network[0] = 1
	c.refresh(1, func(h *[buckets]float32) { *h = priors[Path{Radio: Cell5G}.class()] })
	for _, tt := range []struct{ from, to, want float64 }{{60, 140, 1}, {163, 425, 2. / 3}, {465, 1150, 1. / 3}} {
		for k := ceilBucket(tt.from); k <= floorBucket(tt.to); k++ {
			if s := c.s.at(k); s < tt.want-0.08 || s > tt.want+0.08 {
				t.Fatalf("%.3f survive %.0f s, want %.3f", s, grid[k], tt.want)
			}
		}
	}
}

// Deaths are told where they began and ended, whatever was taken back of
// either.
func TestSpells(t *testing.T) {
	var v evidence
	v.perish(-1, 10, 2)
	v.perish(5, 12, 1)
	v.perish(12, 40, 3)
	v.perish(50, 20, 1) // it had survived that: an eviction
	want := []spell{{-1, 10, 2}, {-1, 12, 1}, {5, 20, 1}, {12, 40, 3}}
	if got := v.spells(nil); !slices.Equal(got, want) {
		t.Errorf("spells = %v, want %v", got, want)
	}
	v.died[40] = 1 // taken back without its beginning
	got := v.spells(nil)
	sum := 0.0
	for _, d := range got {
		sum += d.weight
		if d.lo >= d.hi {
			t.Errorf("a death after bucket %d and in %d or before", d.lo, d.hi)
		}
	}
	if sum != 5 || len(got) > maxSpells {
		t.Errorf("%v deaths are told of 5: %v", sum, got)
	}
}
