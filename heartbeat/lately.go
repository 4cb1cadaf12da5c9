package heartbeat

import "sync"

// sameDeath is within how many seconds two deaths of a device are one: what
// the edge saw of it, and what the device reports when it is back.
const sameDeath = 60

// lately keeps the newest deaths of all networks, so that one that is told twice
// counts once, also where all devices of a network die within a minute. It is a
// table in which strangers may share a place; the newer death has it then, and
// the older one counts twice if it is told again.
type lately struct {
	mu    sync.Mutex
	table [1 << latelyBits]lateDeath
}

// latelyBits has room for what some thousand devices tell twice at a time.
const latelyBits = 14

type lateDeath struct {
	cell   uint32
	device uint16
	lo     int8  // bucket that the connection had survived; -1: none
	at     uint8 // bucket
	weight float32
	when   float64
}

func (l *lately) place(cell uint32, device uint16) *lateDeath {
	return &l.table[mix(cell, uint32(device))>>(32-latelyBits)]
}

// since returns the device's death that was noted from a time on, if there was
// one.
func (l *lately) since(at float64, v *View) (d lateDeath, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d = *l.place(v.cell, v.device)
	return d, d.weight > 0 && d.cell == v.cell && d.device == v.device && d.when >= at
}

func (l *lately) keep(d lateDeath) {
	l.mu.Lock()
	defer l.mu.Unlock()
	*l.place(d.cell, d.device) = d
}

// again takes a death back that is told once more, as what both tellings say
// of it, which it returns. What was exported meanwhile stays as it was told
// first: nothing can be taken back from there, and to export it again would
// make two of it.
func (c *cell) again(was lateDeath, lo, at int, weight float32) lateDeath {
	d := was
	d.lo, d.at, d.weight = max(d.lo, int8(lo)), min(d.at, uint8(at)), max(d.weight, weight)
	c.unperish(int(was.lo), int(was.at), was.weight)
	if was.when <= c.exported {
		c.perish(int(d.lo), int(d.at), d.weight)
		c.stale += 10 * d.weight
		return d
	}
	c.unshared.unperish(int(was.lo), int(was.at), was.weight)
	c.perished(int(d.lo), int(d.at), d.weight)
	return d
}
