package heartbeat

import "math"

const (
	// halfLife is how fast evidence ages, in seconds.
	halfLife = 36 * 3600
	// repeatWeight is what another success at a silence that the connection
	// has survived before adds.
	repeatWeight = 0.03
	// leafPrior and rootPrior are how many connections a parent's knowledge
	// stands for.
	leafPrior = 2.5
	rootPrior = 40
)

// evidence is what was seen of a network. For each bucket, n counts the
// connections that were at risk in it and e those that died there. Both add up
// over edges, and age.
type evidence struct {
	n, e [buckets]float32
}

func (v *evidence) age(seconds float64) {
	f := float32(math.Exp2(-seconds / halfLife))
	for k := range v.n {
		v.n[k] *= f
		v.e[k] *= f
	}
}

func (v *evidence) weight() (tested, deaths float64) {
	for k := range v.n {
		tested = max(tested, float64(v.n[k]))
		deaths += float64(v.e[k])
	}
	return tested, deaths
}

// survival is S: the share of connections that are kept for longer than g_k.
type survival [buckets]float32

// estimate computes S from evidence and a parent's hazards.
func (v *evidence) estimate(parent *[buckets]float32, prior float32, s *survival) {
	at := float32(1)
	for k := range s {
		at *= 1 - (v.e[k]+prior*parent[k])/(v.n[k]+prior)
		s[k] = at
	}
}

// hazards is the share that each bucket loses, with the parent's.
func (v *evidence) hazards(parent *[buckets]float32, prior float32, h *[buckets]float32) {
	for k := range h {
		h[k] = (v.e[k] + prior*parent[k]) / (v.n[k] + prior)
	}
}

// at is S at bucket k; everybody survives the bucket before the first.
func (s *survival) at(k int) float64 {
	if k < 0 {
		return 1
	}
	return float64(s[k])
}
