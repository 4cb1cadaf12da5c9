package edgelink

import (
	"testing"
	"time"
)

// An edge that hears no router looks elsewhere, each time after longer; one
// that hears one again, or stands still, does not.
func TestElsewhere(t *testing.T) {
	t.Parallel()
	e := newElsewhere(Timing{}.withDefaults())
	now := time.Unix(1000, 0)
	// after runs until the edge goes, and returns how many beats that took.
	after := func(connected, routers bool, most int) int {
		for n := 1; n <= most; n++ {
			now = now.Add(time.Second)
			if e.look(connected, routers, now) {
				return n
			}
		}
		return 0
	}
	if n := after(true, true, 100); n != 0 {
		t.Fatalf("went after %d beats although a router is heard", n)
	}
	if n := after(true, false, 100); n != 4 {
		t.Fatalf("went after %d beats without a router, want 4", n)
	}
	for previous := 4; previous < 40; {
		n := after(true, false, 100)
		if n <= previous {
			t.Fatalf("went after %d beats, before that after %d", n, previous)
		}
		previous = n
	}
	if n := after(true, false, 100); n == 0 || n > 75 {
		t.Errorf("went after %d beats at last, want at most 75", n)
	}
	after(true, true, 12)
	now = now.Add(time.Hour) // stopped, and goes on
	if n := after(true, false, 1); n != 0 {
		t.Error("went as the first thing after a standstill")
	}
	after(true, true, 1)
	if n := after(true, false, 100); n != 4 {
		t.Errorf("went after %d beats without a router once more, want 4", n)
	}
	if n := after(false, false, 100); n != 0 {
		t.Errorf("went after %d beats while the client was looking for a server", n)
	}
}
