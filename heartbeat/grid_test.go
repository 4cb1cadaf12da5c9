package heartbeat

import (
	"testing"
	"time"
)

// A silence of the grid that was survived counts as itself.
func TestSilenceOfTheGridCountsWhole(t *testing.T) {
	for k := range grid {
		l, p := NewLearner(t0, Options{}), Path{Radio: WiFi, Network: Network{1}}
		v := l.Open(t0, Arrival{Path: p, State: State{Background: true}})
		l.Probed(t0, &v, l.duration(grid[k])+time.Nanosecond)
		l.Heard(t0, &v, 80*time.Millisecond)
		c, unlock := l.look(p)
		kept := c.kept[k]
		unlock()
		if kept == 0 {
			t.Errorf("%.3f s were survived and do not count", grid[k])
		}
	}
}
