package push

import (
	"fmt"
	"testing"
	"time"
)

// fares notes how n devices fared, each another one than those before.
func fares(g *guard, name string, n int, what rejection, now time.Time) {
	for i := range n {
		g.saw(fmt.Sprint(name, i), what, now)
	}
}

func TestGuardFreezesAndThaws(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name                     string
		accepted, gone, suspects int
		frozen                   bool
	}{
		{"nothing arrives", 0, 0, freezeMinSilent, true},
		{"nothing arrives yet", 0, freezeMinSilent - 1, 0, false},
		{"a fifth looks bad", 80, 0, 20, false},
		{"more than a fifth looks bad", 79, 0, 20, true},
		{"few look bad", 1, 0, freezeMin - 1, false},
		{"half is gone", 20, 20, 0, false},
		{"more than half is gone", 19, 20, 0, true},
	} {
		g := newGuard(RemovalGuarded)
		fares(g, "good", c.accepted, accepted, now)
		fares(g, "gone", c.gone, gone, now)
		fares(g, "bad", c.suspects, suspect, now)
		if g.isFrozen() != c.frozen {
			t.Errorf("%s: frozen %v", c.name, g.isFrozen())
		}
		if c.frozen && (g.mayMark(now) || g.mayRemove(gone, now, now) || g.mayRemove(suspect, now, now)) {
			t.Errorf("%s: frozen, and a token may go", c.name)
		}
		// The fault was ours and is mended: the same devices are reached.
		fares(g, "bad", c.suspects, accepted, now)
		fares(g, "gone", c.gone, accepted, now)
		if g.isFrozen() {
			t.Errorf("%s: still frozen", c.name)
		}
	}
}

// Where many devices are rejected no suspect goes, long before there are enough
// for a storm: it is hardly the devices that are wrong.
func TestGuardKeepsSuspectsAmongMany(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		name                     string
		accepted, gone, suspects int
		suspectGoes, goneGoes    bool
	}{
		{"a fifth are suspects", 16, 0, 4, true, true},
		{"more than a fifth are", 16, 0, 5, false, true},
		{"half are gone", 10, 9, 1, true, true},
		{"more than half are", 10, 10, 1, false, false},
	} {
		g := newGuard(RemovalGuarded)
		fares(g, "good", c.accepted, accepted, now)
		fares(g, "gone", c.gone, gone, now)
		fares(g, "bad", c.suspects, suspect, now)
		if g.isFrozen() || g.mayRemove(suspect, now, now) != c.suspectGoes || g.mayRemove(gone, now, now) != c.goneGoes {
			t.Errorf("%s: frozen %v, a suspect goes %v, one that is gone %v", c.name, g.isFrozen(), g.mayRemove(suspect, now, now), g.mayRemove(gone, now, now))
		}
	}
}

// A storm is over when a tenth of the devices at most look bad, and a quarter at
// most are rejected.
func TestGuardThawsLate(t *testing.T) {
	now := time.Now()
	for what, last := range map[rejection]int{suspect: 9 * freezeMin, gone: 3 * freezeMin} {
		g := newGuard(RemovalGuarded)
		fares(g, "bad", freezeMin, what, now)
		fares(g, "good", last-1, accepted, now)
		if !g.isFrozen() {
			t.Errorf("%d rejected, %d reached: not frozen any more", freezeMin, last-1)
		}
		fares(g, "good", last, accepted, now)
		if g.isFrozen() {
			t.Errorf("%d rejected, %d reached: frozen still", freezeMin, last)
		}
	}
}

// One device that is pushed to all the time is one device.
func TestGuardCountsDevicesNotAttempts(t *testing.T) {
	now, g := time.Now(), newGuard(RemovalGuarded)
	fares(g, "good", 10, accepted, now)
	for range 1000 {
		g.saw("bad", suspect, now)
	}
	if g.isFrozen() || !g.mayRemove(suspect, now, now) {
		t.Errorf("frozen %v by one device", g.isFrozen())
	}
}

func TestGuardForgets(t *testing.T) {
	now, g := time.Now(), newGuard(RemovalGuarded)
	fares(g, "good", 100, accepted, now)
	later := now.Add(guardWindow + time.Second)
	if g.mayMark(later) {
		t.Error("what arrived long ago counts")
	}
	fares(g, "flood", 3*guardSample, accepted, later)
	if len(g.ring) != guardSample || len(g.slots) != guardSample {
		t.Errorf("%d fates, %d slots, want %d", len(g.ring), len(g.slots), guardSample)
	}
	if !g.mayRemove(suspect, later, later) || g.mayRemove(suspect, later.Add(time.Second), later.Add(time.Minute)) {
		t.Error("only what arrived since the mark counts")
	}
}
