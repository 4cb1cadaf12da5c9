package heartbeat

import (
	"math"
	"sync"
)

// household is up to how many devices a network is taken to be one where nobody
// can do harm to others than those they live with.
const household = 4

// Deaths a day that count in one network.
const (
	capDevice     = 3
	capHousehold  = 12  // of an address, where few are
	capSubscriber = 48  // at least, see ofSubscriber
	capBlock      = 192 // at least, see ofBlock
	day           = 86400
)

// What one address may say a day beyond the network that it is in: deaths for
// all networks of the kind, and networks that nothing was heard of before.
const (
	capParent   = 12
	capNetworks = 128
)

// ofSubscriber and ofBlock are how many deaths of an address and of a block count,
// in a network of so many. They grow with it: carriers have thousands of devices
// behind an address, and all of them behind those of a few blocks, where fixed
// numbers would be used up by noon. At capDevice each, an address has a sixth of
// what the whole network may say, and a block two thirds.
func ofSubscriber(live int32) uint16 { return atLeast(capSubscriber, live/2) }
func ofBlock(live int32) uint16      { return atLeast(capBlock, 2*live) }

func atLeast(least uint16, n int32) uint16 {
	return max(least, uint16(min(n, math.MaxUint16)))
}

// caps counts the deaths of the day by network and who claims them, in a table
// in which strangers may share a place: they get less then, not more.
type caps struct {
	mu    sync.Mutex
	day   int64
	table [1 << 16]uint16
}

// take reports whether another death of v's counts, in a network of so many.
func (c *caps) take(now float64, v *View, live int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(now)
	return c.below(v.cell, 1, uint32(v.device), capDevice) &&
		c.below(v.cell, 2, uint32(v.subscriber), ofSubscriber(live)) &&
		c.below(v.cell, 3, uint32(v.block), ofBlock(live))
}

// takeHousehold is take where few are: they may yet be the first of many.
func (c *caps) takeHousehold(now float64, v *View) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(now)
	return c.below(v.cell, 2, uint32(v.subscriber), capHousehold)
}

// takeParent is take for the parent of v's network. Anybody can claim networks
// that are new, and alone in each be the first to show something there.
func (c *caps) takeParent(now float64, v *View) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(now)
	return c.below(v.parent(), 1, uint32(v.device), capDevice) &&
		(v.address() == 0 || c.below(v.parent(), 0, v.address(), capParent))
}

// takeNetwork reports whether v may be in a network that is new.
func (c *caps) takeNetwork(now float64, v *View) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.begin(now)
	return v.address() == 0 || c.below(nowhere, 0, v.address(), capNetworks)
}

// nowhere is no view's cell.
const nowhere = 1<<32 - 1

// begin forgets what was counted on another day.
func (c *caps) begin(now float64) {
	if today := int64(now / day); today != c.day {
		c.day = today
		clear(c.table[:])
	}
}

// spent reports whether v's device has used up its deaths of the day. What it
// shows otherwise does not count then, either: only both together say how many
// die.
func (c *caps) spent(now float64, v *View, cell uint32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(now/day) == c.day && *c.place(cell, 1, uint32(v.device)) >= capDevice
}

// silenced reports whether v's address has used up the deaths of all that share
// it, in a network of so many.
func (c *caps) silenced(now float64, v *View, live int32) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return int64(now/day) == c.day && *c.place(v.cell, 2, uint32(v.subscriber)) >= ofSubscriber(live)
}

func (c *caps) below(cell, kind, tag uint32, limit uint16) bool {
	at := c.place(cell, kind, tag)
	if *at >= limit {
		return false
	}
	*at++
	return true
}

// place is where the deaths are counted that a tag of some kind, of at most 16
// bits, claims in a network. All bits of a cell tell networks and their parents
// apart.
func (c *caps) place(cell, kind, tag uint32) *uint16 {
	return &c.table[mix(cell, kind<<16|tag)>>16]
}

// mix spreads two numbers over 32 bits.
func mix(a, b uint32) uint32 {
	x := uint64(a)<<32 | uint64(b)
	x ^= x >> 33
	x *= 0xff51afd7ed558ccd
	x ^= x >> 33
	x *= 0xc4ceb9fe1a85ec53
	return uint32(x >> 32)
}

// tag shortens a hash; 0 stays 0.
func tag(h uint64) uint32 {
	h ^= h >> 32
	return uint32(h) ^ uint32(h)>>16
}
