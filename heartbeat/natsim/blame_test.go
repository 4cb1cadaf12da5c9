package natsim

import (
	"math"
	"strings"
	"testing"
)

// unkind is a network that evicts connections, where coverage is lost at times.
func unkind(early, losses float64) World {
	return World{
		Transport: "tcp", Devices: 64, Days: 1, NotifiesPerDay: 20, LossesPerDay: losses, LossS: 600, LateS: 1.5,
		Away: []Group{{Radio: "4g", Share: 1, Networks: 1, EarlyPerDay: early, Timeouts: []Timeout{{Weight: 1, S: 300}}}},
	}
}

// What no interval prevents is not the policy's fault: it is all that the
// oracle is dead for, and nothing where nothing is evicted and coverage stays.
func TestBlame(t *testing.T) {
	const unsafe = "fixed:400"
	simulates(t)
	for _, tt := range []struct {
		name          string
		early, losses float64
		floor         bool
	}{{"kind", 0, 0, false}, {"evicts", 5, 0, true}, {"loses coverage", 0, 10, true}} {
		r, err := Compare(unkind(tt.early, tt.losses), 3, 1, []string{unsafe})
		if err != nil {
			t.Fatal(err)
		}
		for _, policy := range []string{Oracle, unsafe} {
			d := r.Find(policy).Last()
			if d.FloorS > 0 != tt.floor {
				t.Errorf("%s, %s: %.2f s dead that no interval prevents, want some: %v", tt.name, policy, d.FloorS, tt.floor)
			}
			if math.Abs(d.FloorS+d.AvoidableS-d.DeadS) > 1e-6 {
				t.Errorf("%s, %s: %.2f and %.2f s are not the %.2f in all", tt.name, policy, d.FloorS, d.AvoidableS, d.DeadS)
			}
			// A quarter of each of its silences is dead.
			if least := day / 5; policy == unsafe && d.AvoidableS < least || policy == Oracle && d.AvoidableS > 0 {
				t.Errorf("%s, %s: %.2f s avoidable, want none of the oracle and %.0f of the other", tt.name, policy, d.AvoidableS, least)
			}
		}
		var table strings.Builder
		if err := r.WriteTable(&table); err != nil {
			t.Fatal(err)
		}
		if row := "\n| no interval prevents: evicted, away | "; strings.Count(table.String(), row) != 1 {
			t.Errorf("the table has no row of what no interval prevents:\n%s", table.String())
		}
	}
}
