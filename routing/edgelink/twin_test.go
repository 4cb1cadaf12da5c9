package edgelink

import (
	"testing"
	"time"
)

func TestTwin(t *testing.T) {
	var w twin
	now := time.Unix(1000, 0)
	if w.here(now) {
		t.Fatal("a twin that nobody saw")
	}
	said := 0
	step := func(d time.Duration) {
		now = now.Add(d)
		if w.saw(now) {
			said++
		}
	}
	// A process that was replaced is heard of for a moment.
	for range 4 {
		step(time.Second)
	}
	if said != 0 || w.here(now) {
		t.Fatal("a replaced process is taken for a twin")
	}
	now = now.Add(time.Minute)
	for range 30 {
		step(time.Second)
	}
	if said != 1 || !w.here(now) {
		t.Fatalf("said %d times, here %v; want once and here", said, w.here(now))
	}
	for range 45 {
		step(time.Second)
	}
	if said != 2 {
		t.Fatalf("said %d times in 75 s, want 2", said)
	}
	if w.here(now.Add(twinGone + time.Second)) {
		t.Fatal("a silent twin is still here")
	}
}

// The link tells a newer process of its own name from itself, and an older
// router from the one that is here.
func TestTwinsOfTheLink(t *testing.T) {
	now := time.Now()
	l := &Link{presence: newPresence(3 * time.Second)}
	l.presence.beat("r1", 20, true, now)
	l.routerTwin = twin{first: now.Add(-time.Minute), last: now}
	if l.twinRouterLocked("r1", 20, now) || l.twinRouterLocked("r1", 30, now) || l.twinRouterLocked("r2", 10, now) {
		t.Error("no older twin, yet it is said")
	}
	if !l.twinRouterLocked("r1", 10, now) {
		t.Error("an older router beside the newer one of the same name is not said")
	}
}
