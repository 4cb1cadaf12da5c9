package heartbeat

import "math"

// spreading finds the hazards that explain deaths of which only is known
// between which silences they were: it spreads each over the buckets where it
// may have been, by where the hazards have it happen, and computes these anew.
type spreading struct {
	deaths []spell
	room   [maxSpells]spell

	mass [buckets]float64     // the share of connections that dies in each bucket
	gone [buckets + 1]float64 // that died before it

	// How much more of the deaths may have been in a bucket than in the one
	// before: for each share of mass, and so many of them by the share that is
	// gone where they end.
	rate, base [buckets + 1]float64

	died, risk [buckets]float64 // deaths in each bucket, and connections that could have died there
}

func (p *spreading) begin(hazards *[buckets]float32) {
	alive := 1.0
	for k, h := range hazards {
		p.mass[k] = alive * float64(h)
		alive -= p.mass[k]
		p.gone[k+1] = p.gone[k] + p.mass[k]
	}
}

func (p *spreading) round(v *evidence, parent *[buckets]float32, prior float64) {
	p.rate, p.base = [buckets + 1]float64{}, [buckets + 1]float64{}
	for _, d := range p.deaths {
		end := p.gone[d.hi+1]
		rate := d.weight / max(end-p.gone[d.lo+1], 1e-12)
		p.rate[d.lo+1] += rate
		p.rate[d.hi+1] -= rate
		p.base[d.lo+1] += rate * end
		p.base[d.hi+1] -= rate * end
	}
	alive, before, rate, base := 1.0, 0.0, 0.0, 0.0
	for k := range p.mass {
		rate, base = max(rate+p.rate[k], 0), base+p.base[k]
		p.died[k] = p.mass[k] * rate
		p.risk[k] = float64(v.kept[k]) + max(base-before*rate, p.died[k])
		before = p.gone[k+1]
		p.mass[k] = alive * (p.died[k] + prior*float64(parent[k])) / (p.risk[k] + prior)
		alive -= p.mass[k]
		p.gone[k+1] = p.gone[k] + p.mass[k]
	}
}

// end returns the hazards and what is left after each bucket.
func (p *spreading) end(hazards *[buckets]float32, s *survival) {
	for k := range hazards {
		hazards[k] = float32(p.mass[k] / max(1-p.gone[k], 1e-9))
		s[k] = float32(max(1-p.gone[k+1], 0))
	}
}

// likely is the logarithm of how likely the evidence is: that so many were kept
// in each bucket, and so many died between two.
func (p *spreading) likely(v *evidence) (log float64) {
	const never = 1e-6
	for k := range p.mass {
		log += float64(v.kept[k]) * math.Log1p(-min(p.mass[k]/max(1-p.gone[k], never), 1-never))
	}
	for _, d := range p.deaths {
		log += d.weight * math.Log(max((p.gone[d.hi+1]-p.gone[d.lo+1])/max(1-p.gone[d.lo+1], never), never))
	}
	return log
}

// learned is what had to be, as a logarithm.
func (p *spreading) learned() (log float64) {
	for k, n := range p.died {
		if n > 0.5 {
			log += 0.5 * math.Log1p(p.risk[k])
		}
	}
	return log
}
