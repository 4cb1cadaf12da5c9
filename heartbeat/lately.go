package heartbeat

// sameDeath is within how many seconds two deaths of a device are one: what
// the edge saw of it, and what the device reports when it is back.
const sameDeath = 60

// lately keeps the newest deaths of a network, so that one that is told twice
// counts once.
type lately struct {
	deaths [4]lateDeath
	next   uint8
}

type lateDeath struct {
	device uint16
	lo     int8  // bucket that the connection had survived; -1: none
	at     uint8 // bucket
	weight float32
	when   float64
}

// of returns the device's death if there was one just now, else nil.
func (l *lately) of(now float64, device uint16) *lateDeath {
	for i := range l.deaths {
		if d := &l.deaths[i]; d.weight > 0 && d.device == device && now-d.when <= sameDeath {
			return d
		}
	}
	return nil
}

func (l *lately) add(now float64, device uint16, lo, at int, weight float32) {
	l.deaths[l.next%uint8(len(l.deaths))] = lateDeath{device, int8(lo), uint8(at), weight, now}
	l.next++
}

// again takes a death back that is told once more, as what both tellings say
// of it. What was exported meanwhile stays as it was told first: nothing can be
// taken back from there, and to export it again would make two of it.
func (c *cell) again(d *lateDeath, lo, at int, weight float32) {
	was := *d
	d.lo, d.at, d.weight = max(d.lo, int8(lo)), min(d.at, uint8(at)), max(d.weight, weight)
	c.unperish(int(was.lo), int(was.at), was.weight)
	if was.when <= c.exported {
		c.perish(int(d.lo), int(d.at), d.weight)
		c.stale += 10 * d.weight
		return
	}
	c.unshared.unperish(int(was.lo), int(was.at), was.weight)
	c.perished(int(d.lo), int(d.at), d.weight)
}
