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

// What a network does not keep is still known days after the last connection
// died of it, for nobody shows it again meanwhile. Where a part of the
// connections is kept, as in a pool, the share of these stays what it was seen
// to be.
func TestDeathsLast(t *testing.T) {
	below, beyond := floorBucket(297), ceilBucket(317)
	for _, tt := range []struct {
		name string
		kept float64 // of those beyond
		ask  bool
	}{{"one timeout", 0, false}, {"a pool", 0.5, true}} {
		var c cell
		c.path.Network[0] = 1
		for i := range 20 {
			c.survived(-1, below)
			if float64(i) < tt.kept*20 {
				c.survived(below, beyond)
			} else if i%2 == 0 {
				c.perished(below, beyond, 1)
			}
		}
		share := c.died[beyond] / max(c.kept[beyond], 1)
		for day := range 5 {
			c.survived(-1, below)
			c.fresh = 0
			c.refresh(float64(day+1)*86400, func(h *[buckets]float32) { *h = priors[Path{Radio: WiFi}.class()] })
		}
		if got := c.climb[below] > 0; got != tt.ask {
			t.Errorf("%s: bucket %d is worth a probe beyond %d: %v, want %v", tt.name, c.climb[below], below, got, tt.ask)
		}
		if got := c.died[beyond] / max(c.kept[beyond], 1e-3); tt.ask && (got < 0.99*share || got > 1.01*share) {
			t.Errorf("%s: %.3f die for each that is kept, want %.3f as before", tt.name, got, share)
		}
	}
}

// A test that goes ill is paid for by what all learn where a network treats its
// connections alike. In a pool that is known each connection pays anew: of
// fewer silences on, something longer is worth it there.
func TestTestsOfPoolsAreDear(t *testing.T) {
	tests := func(alike float64, known int) (n int) {
		var c cell
		c.path.Network[0] = 1
		for range known {
			c.survived(-1, buckets-1)
		}
		c.s.from(&priors[Path{Radio: Cell4G}.class()])
		c.alike = alike
		c.choose()
		for _, to := range c.climb {
			if to > 0 {
				n++
			}
		}
		return n
	}
	if pool, alike := tests(0, 200), tests(1, 200); pool >= alike {
		t.Errorf("tests are worth it from %d silences on in a pool, from %d where all are alike", pool, alike)
	}
	if known, unknown := tests(0, 200), tests(0, 0); known >= unknown {
		t.Errorf("tests are worth it from %d silences on in a pool that is known, from %d in one that is not", known, unknown)
	}
}
