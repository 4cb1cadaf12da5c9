package heartbeat

import "math"

// point says which share of networks keeps a silent connection for longer.
type point struct{ seconds, share float64 }

// What kinds of network were measured to keep. Between the points the share
// falls in a straight line over the logarithm of time. They are where learning
// starts, and what a network is compared with while little is known of it.
var (
	priorTCPCellular = []point{{60, 0.999}, {230, 0.99}, {285, 0.96}, {310, 0.84}, {600, 0.74}, {1200, 0.62}, {1800, 0.55}}
	priorTCPFixed    = []point{{60, 0.999}, {230, 0.99}, {290, 0.975}, {310, 0.90}, {600, 0.85}, {1200, 0.79}, {1800, 0.74}}
	priorUDPCellular = []point{{20, 0.999}, {28, 0.985}, {31, 0.90}, {58, 0.70}, {66, 0.50}, {110, 0.42}, {125, 0.22}, {190, 0.12}, {320, 0.04}, {1800, 0.01}}
	priorUDPFixed    = []point{{20, 0.999}, {28, 0.985}, {31, 0.80}, {58, 0.62}, {66, 0.50}, {110, 0.44}, {125, 0.25}, {175, 0.20}, {190, 0.10}, {320, 0.05}, {1800, 0.01}}
)

func priorOf(p Path) []point {
	fixed := !p.Radio.cellular()
	switch {
	case p.Transport == QUIC && fixed:
		return priorUDPFixed
	case p.Transport == QUIC:
		return priorUDPCellular
	case fixed && p.Radio != Unknown:
		return priorTCPFixed
	}
	return priorTCPCellular
}

// priors are the hazards of each class of path.
var priors = func() (h [transports * radios][buckets]float32) {
	for class := range h {
		h[class] = hazards(priorOf(Path{Transport: Transport(class / radios), Radio: Radio(class % radios)}))
	}
	return h
}()

// hazards is the prior as the share that each bucket loses of those that
// reach it.
func hazards(points []point) (h [buckets]float32) {
	before := 1.0
	for k := range h {
		s := shareAt(points, grid[k])
		h[k] = float32(1 - s/before)
		before = s
	}
	return h
}

func shareAt(points []point, s float64) float64 {
	if s <= points[0].seconds {
		return points[0].share
	}
	for i := 1; i < len(points); i++ {
		a, b := points[i-1], points[i]
		if s <= b.seconds {
			x := math.Log(s/a.seconds) / math.Log(b.seconds/a.seconds)
			return a.share + x*(b.share-a.share)
		}
	}
	return points[len(points)-1].share
}
