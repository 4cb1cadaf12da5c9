package natsim

import (
	"math"
	"math/rand/v2"

	"github.com/hawser-edge/hawser/heartbeat"
)

// after is what a NAT does with packets of a connection that it has forgotten.
type after uint8

const (
	keeps   after = iota // makes a new mapping of the device's packet, the same: nobody notices
	resets               // likewise, and answers the edge's packets with a reset before
	renames              // makes another one: UDP goes on from a new port, TCP is reset
	drops                // drops the device's packets, too; UDP as renames
	rejects              // as renames, and answers the edge's packets as resets does
	refuses              // as drops, and likewise
)

// afters are their names in the files of worlds.
var afters = map[string]after{"keeps": keeps, "resets": resets, "renames": renames, "drops": drops, "rejects": rejects, "refuses": refuses}

// tellsEdge reports whether the edge's packets are answered with a reset.
func (a after) tellsEdge() bool { return a == resets || a == rejects || a == refuses }

// tellsDevice reports whether the device's packets over TCP are.
func (a after) tellsDevice() bool { return a != drops && a != refuses }

// nat is a network as it is. Nobody but the simulation and the oracle looks
// into it.
type nat struct {
	path    heartbeat.Path
	pool    []float64 // timeouts in seconds
	sticky  bool
	after   after
	early   float64 // evictions a second of silence
	changes []Change
	scale   float64
	salt    uint64
}

// timeout is that of a connection's mapping at a time.
func (n *nat) timeout(at float64, device, conn uint64) float64 {
	for i := len(n.changes) - 1; i >= 0; i-- {
		if at >= n.changes[i].AtH*3600 {
			return n.changes[i].S * n.scale
		}
	}
	if len(n.pool) == 1 {
		return n.pool[0]
	}
	key := device<<32 ^ conn
	if n.sticky {
		key = device
	}
	return n.pool[hash(n.salt, key)%uint64(len(n.pool))]
}

// dies is when a mapping is forgotten whose last packet was at a time. A
// setting that becomes stricter holds for mappings that are there. evicted: it
// is forgotten before any timeout.
func (n *nat) dies(at float64, device, conn uint64, early float64) (when float64, evicted bool) {
	t := at + n.timeout(at, device, conn)
	for _, c := range n.changes {
		if set := c.AtH * 3600; set > at && set < t {
			t = min(t, max(set, at+c.S*n.scale))
		}
	}
	if n.early > 0 && at+early/n.early < t {
		return at + early/n.early, true
	}
	return t, false
}

// build makes a group's networks.
func (g *Group) build(w *World, scale float64, devices int, rng *rand.Rand, number *uint64) []*nat {
	count := g.Networks
	if count == 0 {
		count = max(int(float64(devices)*g.Share/g.DevicesEach), 1)
	}
	nats := make([]*nat, count)
	for i := range nats {
		*number++
		n := &nat{
			path:   heartbeat.Path{Transport: transports[w.Transport], Radio: radios[g.Radio]},
			pool:   []float64{g.draw(rng) * scale},
			sticky: g.Sticky, early: g.EarlyPerDay / day, changes: g.Changes, scale: scale,
			salt: rng.Uint64(),
		}
		for k := range 8 {
			n.path.Network[k] = byte(hash(*number, 77) >> (8 * k))
		}
		n.path.Network[15] = 1
		if rng.Float64() < g.Mixed {
			for range max(g.MixedInto, 2) - 1 {
				n.pool = append(n.pool, g.draw(rng)*scale)
			}
		}
		n.after = [2]after{renames, drops}[rng.IntN(2)]
		if rng.Float64() < g.Masks {
			n.after = [2]after{keeps, resets}[rng.IntN(2)]
		}
		if g.After != "" {
			n.after = afters[g.After]
		}
		nats[i] = n
	}
	return nats
}

// draw is one of the group's timeouts.
func (g *Group) draw(rng *rand.Rand) float64 {
	all := 0.0
	for _, t := range g.Timeouts {
		all += t.Weight
	}
	x, y := rng.Float64()*all, rng.Float64()
	for _, t := range g.Timeouts {
		if x -= t.Weight; x > 0 {
			continue
		}
		if t.S > 0 {
			return t.S
		}
		return t.FromS * math.Pow(t.ToS/t.FromS, y)
	}
	return g.Timeouts[0].S
}

// hash mixes two numbers.
func hash(a, b uint64) uint64 {
	x := a*0x9e3779b97f4a7c15 ^ b
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
