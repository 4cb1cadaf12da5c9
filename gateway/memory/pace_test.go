package memory

import (
	"testing"
	"time"
)

// A second of the table: what is allocated for each core, and the share of the
// CPU that collections take, for so many seconds.
type second struct {
	times int
	rate  float64
	share float64
	// What it is at the end of them.
	storm, calm bool
}

func TestPace(t *testing.T) {
	for name, course := range map[string][]second{
		"calm from the start": {{15, mib, 0.01, false, false}, {1, mib, 0.01, false, true}},
		"connecting at a pace that calm's collections bear": {
			{60, 10 * mib, 0.06, false, false}, {15, mib, 0.01, false, false}, {1, mib, 0.01, false, true},
		},
		"a storm is seen at once and ends after a while": {
			{20, mib, 0.01, false, true}, {1, 20 * mib, 0.05, true, false}, {30, 30 * mib, 0.05, true, false},
			{15, mib, 0, true, false}, {1, mib, 0, false, true},
		},
		"a lull does not end it": {
			{5, 20 * mib, 0.05, true, false}, {12, mib, 0, true, false}, {1, 5 * mib, 0.01, true, false}, {15, mib, 0, true, false}, {1, mib, 0, false, true},
		},
		"between the two rates it stays what it is": {
			{40, 10 * mib, 0.05, false, false}, {1, 17 * mib, 0.05, true, false}, {300, 10 * mib, 0.02, true, false},
		},
		"collections of the storm still count": {
			{60, 20 * mib, 0.09, true, false}, {20, mib, 0, true, true}, {40, mib, 0, false, true},
		},
		"collections take too much of the CPU": {
			{120, 2 * mib, 0.12, true, true}, {600, 2 * mib, 0.03, true, true}, {90, 2 * mib, 0.02, false, true},
		},
		"one long collection is no storm": {{20, mib, 0, false, true}, {3, mib, 0.9, false, true}, {90, mib, 0, false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			const cores = 4
			now := time.Unix(1_700_000_000, 0)
			var s sample
			p := newPace(cores, now, s)
			for i, c := range course {
				var calm bool
				for range c.times {
					now = now.Add(time.Second)
					s.allocated += int64(c.rate * cores)
					s.gcCPU += c.share * cores
					calm = p.next(now, s)
				}
				if p.storm != c.storm || calm != c.calm {
					t.Errorf("after part %d: storm %v, calm %v, share %.3f", i, p.storm, calm, p.share)
				}
			}
		})
	}
}
