package admission

import (
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// slotEarly and slotLate are by how much a device may miss its slot: edges'
	// clocks differ, and a phone sleeps.
	slotEarly = 2 * time.Second
	slotLate  = 2 * time.Minute
	// burst is what may come at once, as the time in which it may come in.
	burst = time.Second / 2
	// debt is how far devices with a slot may be ahead of the rate, which can
	// have fallen since their slots were given.
	debt = 10 * time.Second
	// idle is the part of the burst that must be there for devices without a
	// slot, while others have slots to come: so much nobody else has taken.
	idle = 0.8
	// promised is the part of the rate that slots are given at: the rest is for
	// devices with slots of other edges, or late ones.
	promised = 0.9
	// waitLeast is the shortest wait. It is also waitDelays times what it takes
	// now to come as far as gate 2, so that this changes little of the wait.
	waitLeast  = 2 * time.Second
	waitDelays = 8
	// waitFull is for how much longer devices stay away from an edge that has
	// no room.
	waitFull = 10 * time.Second
)

// GateConfig describes a Gate.
type GateConfig struct {
	// FleetKey is a secret of the fleet, from which the key of slots is
	// derived.
	FleetKey []byte
	// PerSecond is how many devices are let in at most. 0: 500 for each
	// processor, about a third of what one does.
	PerSecond int
	// MaxWait is the longest wait that is told. 0: 10 min.
	MaxWait time.Duration
	// Delay is how long a client takes now from its first packet to the end of
	// its handshake. Nil: no time.
	Delay func() time.Duration
}

// Gate is gate 2. It is safe for concurrent use. Nil lets everybody in.
type Gate struct {
	// Static after construction.
	key     []byte
	ceiling float64
	maxWait time.Duration
	delay   func() time.Duration

	mu sync.Mutex
	// Guarded by mu.
	rate   float64 // devices a second
	tokens float64 // that may come in at once; negative after more have
	filled time.Time
	next   time.Time // the first instant that is nobody's slot
	seen   seen
	counts GateCounts
}

// GateCounts is what a Gate has done.
type GateCounts struct {
	Rate float64 // devices a second, now
	// Horizon is how far ahead the next slot is.
	Horizon time.Duration

	Newcomers uint64 // let in without a slot
	Honoured  uint64 // let in at their slot
	Given     uint64 // slots
	Told      uint64 // again, to devices that came too early
	Beyond    uint64 // of Given: at no instant of their own, for lack of any before MaxWait
	Bad       uint64 // slots that were presented and not good: forged, of another device, too old
	Used      uint64 // slots that were presented a second time
	Missed    uint64 // slots that were good, and the edge could not keep
	Forgotten uint64 // used slots that are not remembered, for lack of room
}

// An Answer says whether a device is let in, and if not when to come back.
type Answer struct {
	Admitted bool
	Wait     time.Duration // whole milliseconds
	Slot     []byte
}

// NewGate returns a gate through which nobody has come.
func NewGate(c GateConfig) (*Gate, error) {
	key, err := slotKey(c.FleetKey)
	if err != nil {
		return nil, err
	}
	g := &Gate{key: key, ceiling: float64(c.PerSecond), maxWait: c.MaxWait, delay: c.Delay}
	if g.ceiling <= 0 {
		g.ceiling = defaultCeiling()
	}
	if g.maxWait <= 0 {
		g.maxWait = 10 * time.Minute
	}
	if g.delay == nil {
		g.delay = func() time.Duration { return 0 }
	}
	g.rate = g.ceiling
	g.tokens = g.mostLocked() // nobody else has it yet
	g.seen.period = slotEarly + slotLate
	return g, nil
}

// Newcomer lets a device in that presents no slot, if there is room for one: then
// nothing has to be known of it. Otherwise Ask gives it a slot.
func (g *Gate) Newcomer(now time.Time) bool {
	if g == nil {
		return true
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fillLocked(now)
	if !g.idleLocked(now) {
		return false
	}
	g.admitLocked(now, 0, false)
	return true
}

// Ask says whether a device may come in now, given the slot that it presents,
// if any. Who it says that it is has not been verified, and only keeps slots
// from being another's. No device is let in while the edge is full.
func (g *Gate) Ask(now time.Time, who string, slot []byte, full bool) Answer {
	if g == nil {
		if full {
			return Answer{}
		}
		return Answer{Admitted: true}
	}
	delay := g.delay()
	at, id, good := readSlot(g.key, who, slot)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.fillLocked(now)
	if len(slot) > 0 {
		good = g.judgeLocked(now, at, id, good)
	}
	early := good && now.Before(at.Add(-slotEarly))
	switch {
	case !full && (good && !early && g.tokens > -debt.Seconds()*g.rate || g.idleLocked(now)):
		return g.admitLocked(now, id, good)
	case early:
		g.counts.Told++
		return Answer{Wait: ceilMillis(at.Sub(now)), Slot: slot}
	case good:
		g.counts.Missed++
	}
	return g.giveLocked(now, who, delay, full)
}

// judgeLocked tells whether a slot counts, which may still be too early.
func (g *Gate) judgeLocked(now, at time.Time, id uint64, good bool) bool {
	switch {
	case !good || now.After(at.Add(slotLate)) || at.Sub(now) > 2*g.maxWait:
		g.counts.Bad++
		return false
	case g.seen.has(id):
		g.counts.Used++
		return false
	}
	return true
}

// idleLocked reports whether there is room for a device without a slot.
func (g *Gate) idleLocked(now time.Time) bool {
	if g.tokens < 1 {
		return false
	}
	return !g.next.After(now) || g.tokens >= idle*g.mostLocked()
}

// mostLocked is how many may come in at once: one device, however low the rate.
func (g *Gate) mostLocked() float64 { return max(g.rate*burst.Seconds(), 1) }

func (g *Gate) admitLocked(now time.Time, id uint64, slot bool) Answer {
	g.tokens--
	if !slot {
		g.counts.Newcomers++
		return Answer{Admitted: true}
	}
	g.counts.Honoured++
	g.seen.add(now, id)
	return Answer{Admitted: true}
}

// giveLocked gives the next slot.
func (g *Gate) giveLocked(now time.Time, who string, delay time.Duration, full bool) Answer {
	least := waitLeast + waitDelays*delay
	if full {
		least += waitFull
	}
	at := now.Add(min(least, g.maxWait))
	if g.next.After(at) {
		at = g.next
	}
	g.counts.Given++
	if at.Sub(now) > g.maxWait {
		// The last quarter is shared by all for whom there is no instant left.
		at = now.Add(g.maxWait - rand.N(g.maxWait/4+1))
		g.counts.Beyond++
	} else {
		g.next = at.Add(time.Duration(float64(time.Second) / (promised * g.rate)))
	}
	at = at.Add(time.Millisecond - 1).Truncate(time.Millisecond) // as a slot has it
	return Answer{Wait: ceilMillis(at.Sub(now)), Slot: newSlot(g.key, who, at, rand.Uint64())}
}

// fillLocked adds what time has brought. Calls may come in another order than
// their instants; a clock that was set back moves the slots.
func (g *Gate) fillLocked(now time.Time) {
	switch passed := now.Sub(g.filled); {
	case g.filled.IsZero() || passed < -time.Minute:
		g.filled = now
	case passed > 0:
		g.filled = now
		g.tokens = min(g.tokens+passed.Seconds()*g.rate, g.mostLocked())
	}
	if most := now.Add(g.maxWait + time.Second); g.next.After(most) {
		g.next = most
	}
}

// Counts returns what the gate has done.
func (g *Gate) Counts(now time.Time) GateCounts {
	g.mu.Lock()
	defer g.mu.Unlock()
	c := g.counts
	c.Rate, c.Horizon, c.Forgotten = g.rate, max(g.next.Sub(now), 0), g.seen.forgotten
	return c
}

// ceilMillis keeps a device from being a part of a millisecond early.
func ceilMillis(d time.Duration) time.Duration {
	return (d + time.Millisecond - 1).Truncate(time.Millisecond)
}
