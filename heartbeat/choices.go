package heartbeat

// choices are what follows from S for each connection of a network, by the
// longest silence that it survived.
type choices struct {
	best  [buckets + 1]uint8 // the interval that costs least, by that bucket + 1
	climb [buckets]uint8     // the silence that is worth a probe, by the interval; 0: none
}

const (
	// hopeless is the share of connections below which a silence is not tested.
	hopeless = 0.05
	// dearer is how many times a test that goes ill counts where each connection
	// has a timeout of its own: what one shows there tells little of the next,
	// so the dead time of such tests comes again day after day.
	dearer = 2.25
)

// of is the interval of a connection that survived bucket lo, -1: none.
func (c *choices) of(lo int) int { return int(c.best[lo+1]) }

// appraisal computes choices. For each pair of silences it compares, it does no
// more than a few multiplications: the rest is worked out once for each.
type appraisal struct {
	trouble float64 // of a connection made anew, and of the time until that
	dear    float64 // a second in which the device cannot be reached

	at    [buckets]float64 // S
	lived [buckets]float64 // what died until then has lived in all, in seconds, by its cost
	rate  [buckets]float64 // the least that a connection costs a second, if it survived that
	worth [buckets]float64 // of going on from an interval

	// Of each silence as an interval: what it costs a second if all die, and
	// what less for each share that does not and for what they have lived.
	lost, saved [buckets]float64
	// Of each silence as a probe: for how long it is of use to those that
	// survive it, what it is worth to them besides, and what it costs if all
	// die.
	use, gain, loss [buckets]float64
}

// choose fills in c's choices.
func (c *cell) choose() {
	a := appraisal{dear: deadCostOf(c.path.Transport)}
	a.trouble = reconnectCost(c.path.Transport) + a.dear*noticing
	a.survey(&c.s)
	for lo := buckets - 1; lo >= -1; lo-- {
		best, least := a.settle(lo)
		c.best[lo+1] = uint8(best)
		if lo >= 0 {
			a.rate[lo] = least
		}
	}
	share := min(max(float64(c.live)/4, 2), sharing)
	_, deaths := c.weight()
	for from := buckets - 1; from >= 0; from-- {
		kept := float64(c.kept[from])
		k, gain := a.climb(from, c.price(kept))
		c.climb[from], a.worth[from] = uint8(k), gain
		soon := horizon * (1 + share*max(1/(1+kept+deaths), forAll*c.alike))
		a.offer(from, c.of(from), soon)
	}
}

// price is how many times a test counts that goes ill, beyond a silence that so
// many connections survived: once while the network is unknown, or treats all
// alike, so that it is paid for by what all learn.
func (c *cell) price(kept float64) float64 {
	known := kept * (1 - c.alike)
	return 1 + (dearer-1)*known/(known+wellKnown)
}

// survey works out what each silence is as an interval.
func (a *appraisal) survey(s *survival) {
	before, lived := 1.0, 0.0
	for k := range a.at {
		at := min(s.at(k), before)
		lived += (before - at) * wholly * grid[k] * a.dear
		before = at
		a.at[k], a.lived[k] = at, lived
		death := a.trouble + a.dear*grid[k]
		a.lost[k] = (1 + death) * beats[k]
		a.saved[k] = (at*death + lived) * beats[k]
	}
}

// settle is the bucket whose silence costs least as an interval, for one who
// survived lo, and what it costs a second.
func (a *appraisal) settle(lo int) (best int, least float64) {
	each, before := 1.0, 0.0
	if lo >= 0 {
		each, before = 1/max(a.at[lo], 1e-6), a.lived[lo]
	}
	before *= each
	best, least = max(lo, 0), -1
	for k := best; k < buckets; k++ {
		if a.at[k]*each < 1-atMost && least >= 0 {
			break
		}
		cost := a.lost[k] - each*a.saved[k] + before*beats[k]
		if least < 0 || cost < least {
			best, least = k, cost
		}
	}
	return best, least
}

// offer works out what the silence of bucket k is as a probe, which takes those
// that survive it to the interval next, for so many seconds.
func (a *appraisal) offer(k, next int, soon float64) {
	on := a.worth[next] * max(1-grid[k]*(settling/horizon), 0)
	death := a.trouble + a.dear*grid[k]
	a.use[k] = a.at[k] * soon
	a.gain[k] = a.at[k] * (on - a.rate[k]*soon)
	a.loss[k] = death
}

// climb is the silence that is worth a probe beyond the interval of bucket
// from, and by how many beats, where one that goes ill counts price times; 0
// where none is. A short one may tell as well as a long one whether a connection
// is among those that are kept for long, and is over sooner where it is not.
func (a *appraisal) climb(from int, price float64) (best int, most float64) {
	each, rate := 1/max(a.at[from], 1e-6), beats[from]
	for k := from + 1; k < buckets; k++ {
		if a.at[k]*each < hopeless {
			break
		}
		ill := a.loss[k]*(1-each*a.at[k]) - each*(a.lived[k]-a.lived[from])
		gain := each*(rate*a.use[k]+a.gain[k]) - price*ill - probeCost
		if gain > most {
			best, most = k, gain
		}
	}
	return best, most
}
