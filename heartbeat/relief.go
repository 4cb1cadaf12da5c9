package heartbeat

const (
	// reliefFrom is how many devices, one after another, have to survive a
	// silence beyond an alarm's cap for the cap to rise to it.
	reliefFrom = 3
	// reliefPause is how many seconds after an alarm that begins: until then
	// the deaths that made it still come in.
	reliefPause = 60
	// reliefBuckets is how far beyond the cap is tested, where a network is
	// thought to keep that.
	reliefBuckets = 4
)

// relief notices that a network keeps more than the cap of its last alarm. The
// alarm knew what was too long, and guessed what is not.
type relief struct {
	lifted  float64 // the cap by now; 0: the alarm's
	least   float64 // what each of the devices survived
	devices [reliefFrom]uint16
	n       uint8
}

// survived takes into account that a device survived a silence.
func (a *alarm) survived(now float64, device uint16, gap float64) {
	limit, r := a.limit(now), &a.relief
	if limit == 0 || gap <= limit {
		return
	}
	for _, known := range r.devices[:r.n] {
		if known == device {
			return
		}
	}
	if r.n == 0 || gap < r.least {
		r.least = gap
	}
	r.devices[r.n] = device
	if r.n++; r.n == reliefFrom {
		*r = relief{lifted: r.least}
	}
}

// died takes into account that a device did not: what others survived beyond
// the cap may have been luck.
func (a *alarm) died(gap float64) {
	if r := &a.relief; r.n > 0 && gap <= r.least {
		*r = relief{lifted: r.lifted}
	}
}
