package transport

import (
	"testing"
	"time"
)

// A connection counts when it has been there for a while.
func TestElders(t *testing.T) {
	type look struct {
		after time.Duration
		open  int
		want  int
	}
	for name, looks := range map[string][]look{
		"an edge that starts": {{0, 0, 0}, {time.Second, 900, 0}, {13 * time.Second, 14_000, 0}, {time.Second, 15_000, 0}},
		"a steady flow":       {{0, 0, 0}, {settled, 500, 0}, {settled, 1000, 500}, {settled - 1, 1500, 500}, {1, 1500, 1000}},
		"after a silence":     {{0, 0, 0}, {time.Second, 900, 0}, {time.Hour, 900, 900}, {time.Second, 2000, 900}},
		"those who left":      {{0, 0, 0}, {time.Hour, 900, 900}, {time.Second, 300, 300}, {time.Second, 2000, 300}},
	} {
		t.Run(name, func(t *testing.T) {
			var e elders
			now := time.Unix(1_700_000_000, 0)
			for i, l := range looks {
				now = now.Add(l.after)
				if got := e.count(now, l.open); got != l.want {
					t.Errorf("look %d: %d of %d instead of %d", i+1, got, l.open, l.want)
				}
			}
		})
	}
}
