package table

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// check holds the rules that index.go names.
func (s *shard) check(t *testing.T) {
	t.Helper()
	n, last := 0, cell(0)
	for i, c := range s.cells {
		if c == 0 {
			last = 0
			continue
		}
		n++
		home := s.home(c.tag())
		if i < home || c.tag() < last.tag() {
			t.Fatalf("cell %x stands at %d after %x, at home at %d", c, i, last, home)
		}
		if slices.Contains(s.cells[home:i], 0) {
			t.Fatalf("cell %x cannot be reached", c)
		}
		last = c
	}
	if n != s.n {
		t.Fatalf("%d cells, counted %d", n, s.n)
	}
}

func TestIndexAgainstMap(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		x, want := newIndex(1), map[cell]uint64{}
		// Few hashes: many equal tags, and all of them at the ends.
		hash := func() uint64 {
			h := rng.Uint64()
			switch rng.IntN(4) {
			case 0:
				h |= 0xffffffff
			case 1:
				h &^= 0xffffffff
			case 2:
				h &= 0x80000000_ff000000
			}
			return h
		}
		grow := 3 + rng.IntN(4)
		for ref := uint32(1); ref < 4000; ref++ {
			if h := hash(); rng.IntN(8) < grow {
				c := newCell(h, ref)
				x.shard(h).insert(c)
				want[c] = h
			} else {
				for c, h := range want {
					sh := x.shard(h)
					sh.delete(sh.place(c))
					delete(want, c)
					break
				}
			}
		}
		for i := range x.shards {
			x.shards[i].check(t)
		}
		for c, h := range want {
			if x.shard(h).place(c) < 0 {
				t.Fatalf("seed %d: %x is not found", seed, c)
			}
		}
		if x.len() != len(want) || x.shard(7).place(newCell(7, 9999)) >= 0 {
			t.Fatalf("seed %d: %d entries, want %d", seed, x.len(), len(want))
		}
	}
}
