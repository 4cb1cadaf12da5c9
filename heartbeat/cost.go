package heartbeat

// What things cost, in beats.
const (
	// deadCost is a second in which the device cannot be reached.
	deadCost = 0.4
	// noticing is how many seconds pass until a death is found and mended.
	noticing = 12
	// wholly is the share of a bucket's silence that its connections are
	// taken to live.
	wholly = 0.94
	// horizon is how long, in seconds, a longer interval is taken to be of
	// use.
	horizon = 3 * 3600.0
	// sharing bounds how much more of use it is while the network is unknown:
	// others learn from it.
	sharing = 16
	// forAll is how many times as much of use it is to each of those who share
	// where the network treats all connections alike: what one of them shows
	// holds for the others and for those to come, for days.
	forAll = 3
	// settling is how many silences of its length pass until a probe of it
	// comes to an end: devices are used meanwhile.
	settling = 3
	// probeCost is the trouble of one.
	probeCost = 0.15
	// atMost is the share of connections that an interval may lose.
	atMost = 0.25
)

// deadCostOf is a second in which the device cannot be reached, on a
// transport. UDP is forgotten so soon that a beat costs more than the little
// that it could be late.
func deadCostOf(t Transport) float64 {
	if t == QUIC {
		return deadCost / 48
	}
	return deadCost
}

// reconnectCost is a connection that has to be made anew. QUIC survives its
// mapping's death.
func reconnectCost(t Transport) float64 {
	if t == QUIC {
		return 0.3
	}
	return 2
}

// span is what one connection is known to be in: its timeout is above g_lo and
// at most g_hi; lo -1 and hi buckets are no knowledge.
type span struct{ lo, hi int }

// best is the bucket whose silence costs least as an interval, between lo and
// below hi.
func (s *survival) best(t Transport, in span) int {
	top, bottom := s.at(in.lo), s.below(in)
	all := max(top-bottom, 1e-6)
	best, least := max(in.lo, 0), -1.0
	dead, lived, before := 0.0, 0.0, top
	reconnect, dear := reconnectCost(t), deadCostOf(t)
	for k := max(in.lo, 0); k < min(in.hi, buckets); k++ {
		at := max(s.at(k), bottom)
		if k > in.lo {
			died := (before - at) / all
			before = at
			dead += died
			lived += died * wholly * grid[k]
		}
		if dead > atMost && least >= 0 {
			break
		}
		cost := (1 + dead*reconnect + dear*(dead*(grid[k]+noticing)-lived)) / grid[k]
		if least < 0 || cost < least {
			best, least = k, cost
		}
	}
	return best
}
