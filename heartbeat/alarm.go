package heartbeat

import (
	"math"
	"slices"
)

const (
	// The sum of what deaths and successes say for a change is an alarm at
	// alarmAt: after five deaths that nobody expected.
	alarmAt = 4
	// Where connections differ, a part of them dies; a change is taken for one
	// where most do that tried.
	usual       = 0.35
	changed     = 0.9
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
	relief  relief
}

type failure struct {
	device uint16
	gap    float32
	at     float64
}

// odds are the shares that die of a silence thought to lose a share of
// expected: as it was, and after a change.
func odds(expected float64) (before, after float64) {
	before = min(max(expected, usual), changed)
	return before, before + (1-before)*changed
}

// calm takes a success into account.
func (a *alarm) calm(expected float64) {
	if a.sum > 0 {
		before, after := odds(expected)
		a.sum = max(a.sum+float32(math.Log((1-after)/(1-before))), 0)
	}
}

// fail takes a death into account. It reports whether it is an alarm, and the
// cap then.
func (a *alarm) fail(now float64, device uint16, gap, expected float64) (limit float64, alarmed bool) {
	before, after := odds(expected)
	a.sum = min(a.sum+float32(math.Log(after/before)), 2*alarmAt)
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
	a.sum, a.at, a.cap, a.relief = 0, now, limit, relief{}
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
	return max(a.cap, a.relief.lifted)
}

// contradicted takes back what says that a network keeps more than its cap.
func (c *cell) contradicted(limit float64) {
	c.contradict(limit)
	c.unshared.contradict(limit)
	c.fresh = 0
	c.up = raise{}
}
