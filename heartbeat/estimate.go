package heartbeat

import "math"

const (
	// Most networks treat all connections alike: that is the share of them
	// before anything is seen.
	alike = 0.6
	// How much less likely, as a logarithm, a timeout becomes by a connection
	// that was kept for longer, and by one that died earlier: early evictions
	// happen, and connections that live on past their timeout hardly do.
	againstKept = 6
	againstDied = 6
	// stranger is the share of connections that are as on any network of the
	// kind: what is thought of one that does what no other did.
	stranger = 0.005
	// leafPrior and rootPrior are how many connections a parent's knowledge
	// stands for.
	leafPrior = 2.5
	rootPrior = 40
	// rounds of spreading deaths over the buckets where they may have been.
	rounds = 3
)

// estimate computes S. It weighs two models by how well they explain the
// evidence: a network with one timeout for all, and one where each connection
// has its own.
func (v *evidence) estimate(parent *[buckets]float32, s *survival) {
	var one, each survival
	logOne := v.oneTimeout(parent, &one)
	logEach := v.eachItsOwn(parent, leafPrior, &each)
	w := 1 / (1 + (1-alike)/alike*math.Exp(min(logEach-logOne, 60)))
	var strange survival
	strange.from(parent)
	for k := range s {
		known := w*float64(one[k]) + (1-w)*float64(each[k])
		s[k] = float32((1-stranger)*known + stranger*float64(strange[k]))
	}
}

// oneTimeout is S if the network has one timeout, and the logarithm of how
// likely the evidence is then.
func (v *evidence) oneTimeout(parent *[buckets]float32, s *survival) float64 {
	var logs [buckets + 1]float64
	earlier, reach, most := 0.0, 1.0, math.Inf(-1)
	for k := range logs {
		share, against := reach, earlier*againstDied
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

// eachItsOwn is S if each connection draws its timeout, and the logarithm of
// how likely the evidence is then. A death is spread over the buckets up to
// its own by where S has it happen, and S computed anew.
func (v *evidence) eachItsOwn(parent *[buckets]float32, prior float32, s *survival) (log float64) {
	s.from(parent)
	learned := 0.0
	for range rounds {
		learned = v.spread(parent, prior, s)
	}
	return v.likely(s) - learned
}

// spread also returns what had to be learned, as a logarithm.
func (v *evidence) spread(parent *[buckets]float32, prior float32, s *survival) (learned float64) {
	// For the deaths of buckets k and above: how many, and how many for each
	// share of S that has gone by k.
	all, rate := float32(0), float32(0)
	for k := range v.died {
		if v.died[k] > 0 {
			all += v.died[k]
			rate += v.died[k] / max(1-s[k], 1e-7)
		}
	}
	at, before := float32(1), float32(1)
	for k := range s {
		gone := 1 - before
		deaths := max(before-s[k], 0) * rate
		risk := v.kept[k] + max(all-gone*rate, deaths)
		if v.died[k] > 0 {
			all -= v.died[k]
			rate -= v.died[k] / max(1-s[k], 1e-7)
			rate = max(rate, 0)
		}
		h := (deaths + prior*parent[k]) / (risk + prior)
		before = s[k]
		at *= 1 - h
		s[k] = at
		if deaths > 0.5 {
			learned += 0.5 * math.Log1p(float64(risk))
		}
	}
	return learned
}

// likely is the logarithm of how likely the evidence is by S: that so many were
// kept in each bucket, and so many died in theirs or before.
func (v *evidence) likely(s *survival) (log float64) {
	const never = 1e-6
	before := 1.0
	for k := range s {
		at := max(float64(s[k]), never)
		log += float64(v.kept[k]) * math.Log(min(at/before, 1))
		if v.died[k] > 0 {
			log += float64(v.died[k]) * math.Log(max(1-at, never))
		}
		before = at
	}
	return log
}
