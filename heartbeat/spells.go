package heartbeat

// spell is a number of connections that died between two silences: they had
// survived bucket lo, -1: none, and did not survive hi.
type spell struct {
	lo, hi int
	weight float64
}

// maxSpells is how many there can be: each ends one of the two sums that they
// are taken from.
const maxSpells = 2*buckets + 2

// spells appends the deaths to dst. The evidence tells where they began and
// where they ended, each by itself. Connections climb in the same steps, so
// those that ended lower are taken to have begun lower.
func (v *evidence) spells(dst []spell) []spell {
	first := float32(0)
	for k := range v.died {
		first += v.died[k] - v.from[k]
	}
	lo, left := -1, max(first, 0)
	for hi := range v.died {
		for ends := v.died[hi]; ends > least; {
			for left <= least && lo < buckets-1 {
				lo++
				left = v.from[lo]
			}
			weight := min(ends, left)
			if left <= least {
				weight = ends // from is short of what ages and is taken back
			}
			ends, left = ends-weight, left-weight
			dst = append(dst, spell{min(lo, hi-1), hi, float64(weight)})
		}
	}
	return dst
}

// least is a weight that says nothing.
const least = 1e-4
