package heartbeat

import "math"

const (
	// Most networks treat all connections alike: that is the share of them
	// before anything is seen.
	alike = 0.6
	// againstKept is how much less likely, as a logarithm, a timeout becomes by
	// a connection that was kept for longer: there is hardly one.
	againstKept = 6
	// The share of a network's connections that die before its timeout, or are
	// said to, is somewhere between these: networks evict some, and up to one
	// device in twenty may lie.
	earlyLeast = 0.0025
	earlyMost  = 0.05
	// stranger is the share of connections that are as on any network of the
	// kind: what is thought of one that does what no other did.
	stranger = 0.005
	// leafPrior and rootPrior are how many connections a parent's knowledge
	// stands for.
	leafPrior = 2.5
	rootPrior = 40
	// rounds of spreading deaths over the buckets where they may have been; so
	// many more where nothing is known of that from before.
	rounds     = 4
	roundsCold = 32
)

// estimate computes S. It weighs two models by how well they explain the
// evidence: a network with one timeout for all, and one where each connection
// has its own. It returns the share of the first.
func (v *evidence) estimate(parent, own *[buckets]float32, warm bool, s *survival) float64 {
	var one, each survival
	logOne := v.oneTimeout(parent, &one)
	logEach := v.eachItsOwn(parent, leafPrior, own, warm, &each)
	w := 1 / (1 + (1-alike)/alike*math.Exp(min(logEach-logOne, 60)))
	var strange survival
	strange.from(parent)
	for k := range s {
		known := w*float64(one[k]) + (1-w)*float64(each[k])
		s[k] = float32((1-stranger)*known + stranger*float64(strange[k]))
	}
	return w
}

// oneTimeout is S if the network has one timeout, and the logarithm of how
// likely the evidence is then.
func (v *evidence) oneTimeout(parent *[buckets]float32, s *survival) float64 {
	var logs [buckets + 1]float64
	earlier, reach, most := 0.0, 1.0, math.Inf(-1)
	for k := range logs {
		share, against := reach, againstEarly(earlier, float64(v.kept[0]))
		if k < buckets {
			share *= float64(parent[k])
			reach *= 1 - float64(parent[k])
			against += float64(v.kept[k]) * againstKept
			earlier += float64(v.died[k])
		}
		logs[k] = math.Log(max(share, 1e-9)) - against
		most = max(most, logs[k])
	}
	above := 0.0
	for k := buckets; k >= 0; k-- {
		if k < buckets {
			s[k] = float32(above)
		}
		above += math.Exp(logs[k] - most)
	}
	for k := range s {
		s[k] /= float32(above)
	}
	return most + math.Log(above)
}

// againstEarly is how much less likely, as a logarithm, a timeout becomes by
// those that died earlier, where so many were kept.
func againstEarly(died, kept float64) float64 {
	early := min(max(died/max(died+kept, 1), earlyLeast), earlyMost)
	return -died*math.Log(early) - kept*math.Log1p(-early)
}

// eachItsOwn is S if each connection draws its timeout, and the logarithm of
// how likely the evidence is then. own are the hazards of that; where they are
// warm, they were computed before and little has changed.
func (v *evidence) eachItsOwn(parent *[buckets]float32, prior float64, own *[buckets]float32, warm bool, s *survival) (log float64) {
	var p spreading
	p.deaths = v.spells(p.room[:0])
	n := rounds
	if !warm {
		*own, n = *parent, roundsCold
	}
	p.begin(own)
	for range n {
		p.round(v, parent, prior)
	}
	p.end(own, s)
	return p.likely(v) - p.learned()
}
