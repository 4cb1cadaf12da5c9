package heartbeat

import "math"

const (
	// halfLife is how fast evidence ages, in seconds.
	halfLife = 36 * 3600
	// lasting is how fast deaths of silences do that hardly any connection was
	// seen to survive. Nobody has longer ones than the network keeps but to
	// test it: what says that it keeps no more is not shown again and again, as
	// everything else is, and each time that it is forgotten costs a death.
	lasting = 14 * 24 * 3600
	// repeatWeight is what another success at a silence that the connection
	// has survived before adds.
	repeatWeight = 0.03
)

// evidence is what was seen of a network. For each bucket, kept counts the
// connections that survived a silence of g_k; died those that did not: their
// timeouts lie in that bucket or before; and from, of those that died, the ones
// that had survived g_k and nothing longer, so that theirs lie behind it. All
// add up over edges, and age.
type evidence struct {
	kept, died, from [buckets]float32
}

func (v *evidence) age(seconds float64) {
	part := float32(math.Exp2(-max(seconds, 0) / halfLife))
	last := float32(math.Exp2(-max(seconds, 0) / lasting))
	few := proofShare * v.kept[0]
	for k := range v.kept {
		died, from := part, part
		if v.kept[k] < few {
			died = last
		}
		if k+1 < buckets && v.kept[k+1] < few {
			from = last
		}
		v.died[k] *= died
		v.from[k] *= from
		v.kept[k] *= part // last: this bucket and the one before have looked at it
	}
}

// weight sums up what was seen, for the eye.
func (v *evidence) weight() (tested, deaths float64) {
	for k := range v.kept {
		tested = max(tested, float64(v.kept[k]))
		deaths += float64(v.died[k])
	}
	return tested, deaths
}

// contradict takes back what says that a network keeps more than so many
// seconds. What is left is a hint, for an alarm may be wrong. It is never more
// than a few connections: a share of many thousands would look, beside those
// that have died since, like a pool in which some are kept for as long as before.
func (v *evidence) contradict(limit float64) {
	const left, leftMost = 0.05, 2
	for k := floorBucket(limit) + 1; k < buckets; k++ {
		v.kept[k] = min(v.kept[k]*left, leftMost)
	}
}

// renew takes back what died of silences of about so many seconds or longer.
// What died of much shorter ones did so for another reason.
func (v *evidence) renew(from float64) {
	const left = 0.02
	var room [maxSpells]spell
	start := max(floorBucket(from)-2*tryBuckets, 0)
	for _, d := range v.spells(room[:0]) {
		if d.hi >= start && d.lo >= 0 {
			v.from[d.lo] = max(v.from[d.lo]-float32(d.weight*(1-left)), 0)
		}
	}
	for k := start; k < buckets; k++ {
		v.died[k] *= left
	}
}

// perish notes a death in the buckets after lo, up to at.
func (v *evidence) perish(lo, at int, weight float32) {
	v.died[at] += weight
	if lo >= 0 && lo < at {
		v.from[lo] += weight
	}
}

// unperish takes it back.
func (v *evidence) unperish(lo, at int, weight float32) {
	v.died[at] = max(v.died[at]-weight, 0)
	if lo >= 0 && lo < at {
		v.from[lo] = max(v.from[lo]-weight, 0)
	}
}

// survival is S: the share of connections that are kept for longer than g_k.
type survival [buckets]float32

// at is S at bucket k; everybody survives the bucket before the first.
func (s *survival) at(k int) float64 {
	if k < 0 {
		return 1
	}
	return float64(s[k])
}

// below is S at what a connection died of; 0 where that is longer than all of
// the grid, or nothing.
func (s *survival) below(in span) float64 {
	if in.hi >= buckets {
		return 0
	}
	return s.at(in.hi)
}

// hazards is the share that each bucket loses of those that reach it.
func (s *survival) hazards(h *[buckets]float32) {
	before := float32(1)
	for k := range h {
		h[k] = min(max(1-s[k]/max(before, 1e-9), 1e-6), 1)
		before = s[k]
	}
}

// from is S by hazards.
func (s *survival) from(h *[buckets]float32) {
	at := float32(1)
	for k := range s {
		at *= 1 - h[k]
		s[k] = at
	}
}
