package heartbeat

// choices are what follows from S for each connection of a network, by the
// longest silence that it survived.
type choices struct {
	best  [buckets + 1]uint8 // the interval that costs least, by that bucket + 1
	climb [buckets]uint8     // the silence that is worth a probe, by the interval; 0: none
}

// of is the interval of a connection that survived bucket lo, -1: none.
func (c *choices) of(lo int) int { return int(c.best[lo+1]) }

// appraisal computes choices.
type appraisal struct {
	reconnect, dear float64

	at    [buckets]float64 // S
	lived [buckets]float64 // what died until then has lived in all, in seconds
	rate  [buckets]float64 // the least that a connection costs a second, if it survived that
	worth [buckets]float64 // of going on from an interval
	soon  [buckets]float64 // for how long a longer silence is of use
}

// choose fills in c's choices.
func (c *cell) choose() {
	a := appraisal{reconnect: reconnectCost(c.path.Transport), dear: deadCostOf(c.path.Transport)}
	share := min(max(float64(c.live)/4, 2), sharing)
	_, deaths := c.weight()
	before, lived := 1.0, 0.0
	for k := range a.lived {
		at := min(c.s.at(k), before)
		a.at[k] = at
		lived += (before - at) * wholly * grid[k]
		before = at
		a.lived[k] = lived
		a.soon[k] = horizon * (1 + share/(1+float64(c.kept[k])+deaths))
	}
	for lo := buckets - 1; lo >= -1; lo-- {
		best, least := a.settle(lo)
		c.best[lo+1] = uint8(best)
		if lo >= 0 {
			a.rate[lo] = least
		}
	}
	for from := buckets - 1; from >= 0; from-- {
		k, gain := a.climb(from, c)
		c.climb[from], a.worth[from] = uint8(k), gain
	}
}

// settle is the bucket whose silence costs least as an interval, for one who
// survived lo, and what it costs a second.
func (a *appraisal) settle(lo int) (best int, least float64) {
	each, before := 1.0, 0.0
	if lo >= 0 {
		each, before = 1/max(a.at[lo], 1e-6), a.lived[lo]
	}
	best, least = max(lo, 0), -1
	for k := best; k < buckets; k++ {
		dead := max(1-a.at[k]*each, 0)
		if dead > atMost && least >= 0 {
			break
		}
		cost := (1 + dead*a.reconnect + a.dear*(dead*(grid[k]+noticing)-(a.lived[k]-before)*each)) * beats[k]
		if least < 0 || cost < least {
			best, least = k, cost
		}
	}
	return best, least
}

// climb is the silence that is worth a probe beyond the interval of bucket
// from, and by how many beats; 0 where none is. A short one may tell as well as
// a long one whether a connection is among those that are kept for long, and
// is over sooner where it is not.
func (a *appraisal) climb(from int, c *cell) (best int, most float64) {
	each, rate := 1/max(a.at[from], 1e-6), beats[from]
	for k := from + 1; k < buckets; k++ {
		ps := min(a.at[k]*each, 1)
		if ps < 0.05 {
			break
		}
		died := 1 - ps
		late := max(died*grid[k]-(a.lived[k]-a.lived[from])*each, 0)
		on := a.worth[c.of(k)] * max(1-grid[k]*(settling/horizon), 0)
		gain := ps*((rate-a.rate[k])*a.soon[k]+on) - died*(a.reconnect+a.dear*noticing) - a.dear*late - probeCost
		if gain > most {
			best, most = k, gain
		}
	}
	return best, most
}
