package heartbeat

import "slices"

const (
	// A death at an interval that was thought safe adds up to 1, a success
	// takes some of it off; alarmAt of it is the alarm.
	alarmAt     = 3
	calming     = 0.06
	alarmFrom   = 3    // distinct devices at least
	alarmWindow = 3600 // within so many seconds
	alarmPause  = 1200 // between two alarms of a network
	// An alarm caps the interval at this part of the failing silences' lower
	// quartile, until it is over or a connection shows more.
	alarmCut  = 0.5
	alarmCap  = 3600
	suspicion = 0.9 // the sum from which on the edge tests more
)

// alarm notices that a network has become stricter.
type alarm struct {
	sum     float32
	failing [8]failure // the newest
	next    uint8
	epoch   uint8 // of alarms
	count   uint32
	at      float64 // of the last one
	cap     float64 // seconds; 0: none
}

type failure struct {
	device uint16
	gap    float32
	at     float64
}

// calm takes a success into account.
func (a *alarm) calm() { a.sum = max(a.sum-calming, 0) }

// fail takes a death at a silence that was thought to lose a share of
// expected. It reports whether it is an alarm, and the cap then.
func (a *alarm) fail(now float64, device uint16, gap, expected float64) (limit float64, alarmed bool) {
	a.sum = min(a.sum+float32(1-min(expected/atMost, 1)), 2*alarmAt)
	a.failing[a.next%uint8(len(a.failing))] = failure{device, float32(gap), now}
	a.next++
	if a.sum < alarmAt || a.count > 0 && now-a.at < alarmPause {
		return 0, false
	}
	gaps, distinct := a.recent(now)
	if distinct < alarmFrom {
		return 0, false
	}
	slices.Sort(gaps)
	a.raise(now, float64(gaps[len(gaps)/4])*alarmCut)
	return a.cap, true
}

func (a *alarm) raise(now, limit float64) {
	a.sum, a.at, a.cap = 0, now, limit
	a.epoch++
	a.count++
	a.failing = [len(a.failing)]failure{}
}

// recent returns the failing silences within the window, and of how many
// devices they are.
func (a *alarm) recent(now float64) (gaps []float32, distinct int) {
	var room [len(a.failing)]float32
	gaps = room[:0]
	for i, f := range a.failing {
		if f.gap == 0 || now-f.at > alarmWindow {
			continue
		}
		gaps = append(gaps, f.gap)
		if !slices.ContainsFunc(a.failing[:i], func(g failure) bool {
			return g.gap > 0 && now-g.at <= alarmWindow && g.device == f.device
		}) {
			distinct++
		}
	}
	return gaps, distinct
}

// limit is the cap that holds now, 0 where none does.
func (a *alarm) limit(now float64) float64 {
	if a.cap == 0 || now-a.at > alarmCap {
		return 0
	}
	return a.cap
}

// contradicted takes back what says that a network keeps more than its cap.
func (c *cell) contradicted(limit float64) {
	c.contradict(limit)
	c.unshared.contradict(limit)
	c.dirty, c.fresh = true, 0
	c.up = raise{}
}

func (v *evidence) contradict(limit float64) {
	const left = 0.05
	for k := floorBucket(limit) + 1; k < buckets; k++ {
		v.n[k] *= left
		v.e[k] *= left
	}
}
