package admission

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// epoch is when the tests begin.
func epoch() time.Time { return time.Unix(1_800_000_000, 0) }

func fleetKey() []byte { return bytes.Repeat([]byte("k"), 32) }

func newGate(t *testing.T, change func(*GateConfig)) *Gate {
	t.Helper()
	cfg := GateConfig{FleetKey: fleetKey(), PerSecond: 100}
	if change != nil {
		change(&cfg)
	}
	g, err := NewGate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// crowd fills the gate's burst.
func crowd(g *Gate, now time.Time) {
	for i := range 10_000 {
		if !g.Ask(now, fmt.Sprint("crowd ", i), nil, false).Admitted {
			return
		}
	}
}

// slotAt makes somebody come until he gets a slot.
func slotAt(t *testing.T, g *Gate, now time.Time, who string) Answer {
	t.Helper()
	crowd(g, now)
	a := g.Ask(now, who, nil, false)
	if a.Admitted || a.Wait <= 0 || len(a.Slot) == 0 || len(a.Slot) > 64 {
		t.Fatalf("behind a crowd one gets %+v", a)
	}
	return a
}

// A storm is let in at the gate's pace, in the order in which it came, each at
// his slot; those who come meanwhile without a slot are not let in before.
func TestStorm(t *testing.T) {
	const devices = 3000
	g := newGate(t, nil)
	now := epoch()
	waits := make([]time.Duration, 0, devices)
	type visit struct {
		at   time.Time
		who  string
		slot []byte
	}
	var back []visit
	for i := range devices {
		who := fmt.Sprint("device ", i)
		if a := g.Ask(now, who, nil, false); !a.Admitted {
			waits = append(waits, a.Wait)
			back = append(back, visit{now.Add(a.Wait), who, a.Slot})
		}
	}
	if !slices.IsSorted(waits) {
		t.Error("slots are not given in order")
	}
	if first, spread := waits[0], waits[len(waits)-1]-waits[0]; first != waitLeast || spread < 32*time.Second || spread > 34*time.Second {
		t.Errorf("%d slots begin after %v and are spread over %v", len(waits), first, spread)
	}
	newcomers := 0
	random := rand.New(rand.NewPCG(1, 2))
	for i, v := range back {
		// They come some time after their slot, hardly in order.
		v.at = v.at.Add(time.Duration(random.IntN(300)) * time.Millisecond)
		now = back[i].at
		if a := g.Ask(v.at, v.who, v.slot, false); !a.Admitted {
			t.Fatalf("%s was not let in at its slot: %+v", v.who, a)
		}
		if g.Ask(v.at, fmt.Sprint("newcomer ", i), nil, false).Admitted {
			newcomers++
		}
	}
	// The rate is 100 a second, 90 of it promised.
	if most := int(0.15 * float64(len(back))); newcomers > most {
		t.Errorf("%d newcomers passed %d devices with slots", newcomers, len(back))
	}
	if c := g.Counts(now); c.Honoured != uint64(len(back)) || c.Bad+c.Used+c.Missed+c.Told != 0 {
		t.Errorf("counted %+v", c)
	}
}

// What nobody takes is not lost: where those with slots do not come back,
// others are let in at the full rate.
func TestSlotsThatNobodyUses(t *testing.T) {
	g := newGate(t, nil)
	start := epoch()
	for i := range 3000 {
		g.Ask(start, fmt.Sprint("forger ", i), nil, false)
	}
	admitted := 0
	const seconds = 20
	for i := range seconds * 1000 {
		if g.Ask(start.Add(time.Duration(i)*time.Millisecond), fmt.Sprint("honest ", i), nil, false).Admitted {
			admitted++
		}
	}
	if admitted < 95*seconds || admitted > 105*seconds {
		t.Errorf("%d were let in in %d s, at a rate of 100", admitted, seconds)
	}
}

func TestWhatASlotIsGoodFor(t *testing.T) {
	const who = "acme/anna/phone"
	for name, c := range map[string]struct {
		who      string
		late     time.Duration // after the slot
		change   func([]byte)
		admitted bool
		count    func(GateCounts) uint64
	}{
		"at its time":       {who, 0, nil, true, func(c GateCounts) uint64 { return c.Honoured }},
		"a little early":    {who, -time.Second, nil, true, func(c GateCounts) uint64 { return c.Honoured }},
		"a minute late":     {who, time.Minute, nil, true, func(c GateCounts) uint64 { return c.Honoured }},
		"too late":          {who, slotLate + time.Second, nil, false, func(c GateCounts) uint64 { return c.Bad }},
		"of another":        {"acme/eve/phone", 0, nil, false, func(c GateCounts) uint64 { return c.Bad }},
		"forged":            {who, 0, func(b []byte) { b[5]++ }, false, func(c GateCounts) uint64 { return c.Bad }},
		"of another format": {who, 0, func(b []byte) { b[0]++ }, false, func(c GateCounts) uint64 { return c.Bad }},
	} {
		t.Run(name, func(t *testing.T) {
			// Another edge of the fleet than that which gave it.
			given := slotAt(t, newGate(t, nil), epoch(), who)
			g := newGate(t, nil)
			now := epoch().Add(given.Wait + c.late)
			crowd(g, now)
			if c.change != nil {
				c.change(given.Slot)
			}
			if a := g.Ask(now, c.who, given.Slot, false); a.Admitted != c.admitted {
				t.Errorf("got %+v", a)
			}
			if n := c.count(g.Counts(now)); n != 1 {
				t.Errorf("counted %+v", g.Counts(now))
			}
		})
	}
}

func TestSlotsOfAnotherFleet(t *testing.T) {
	given := slotAt(t, newGate(t, nil), epoch(), "anna")
	g := newGate(t, func(c *GateConfig) { c.FleetKey = []byte("another key, of thirty-two bytes") })
	now := epoch().Add(given.Wait)
	crowd(g, now)
	if g.Ask(now, "anna", given.Slot, false).Admitted {
		t.Error("a slot of another fleet was honoured")
	}
}

// A slot is good once at an edge.
func TestSlotIsUsedOnce(t *testing.T) {
	g := newGate(t, nil)
	given := slotAt(t, g, epoch(), "anna")
	now := epoch().Add(given.Wait)
	crowd(g, now)
	if !g.Ask(now, "anna", given.Slot, false).Admitted {
		t.Fatal("not honoured")
	}
	for i := range 3 {
		now = now.Add(30 * time.Second)
		crowd(g, now)
		if g.Ask(now, "anna", given.Slot, false).Admitted {
			t.Errorf("honoured again, %d", i)
		}
	}
	if c := g.Counts(now); c.Used != 3 {
		t.Errorf("counted %+v", c)
	}
}

// Who comes too early keeps his slot, and comes in where there is room.
func TestTooEarly(t *testing.T) {
	g := newGate(t, func(c *GateConfig) { c.Delay = func() time.Duration { return time.Second } })
	given := slotAt(t, g, epoch(), "anna")
	if given.Wait < waitLeast+waitDelays*time.Second {
		t.Errorf("the wait is %v where it takes a second to come as far", given.Wait)
	}
	now := epoch().Add(time.Second)
	crowd(g, now)
	again := g.Ask(now, "anna", given.Slot, false)
	if again.Admitted || again.Wait != given.Wait-time.Second || !bytes.Equal(again.Slot, given.Slot) {
		t.Errorf("got %+v after %+v", again, given)
	}
	if !g.Ask(epoch().Add(5*time.Second), "anna", given.Slot, false).Admitted {
		t.Error("not let in though there is room")
	}
}

// A full edge lets nobody in, and sends them to their slots elsewhere.
func TestFull(t *testing.T) {
	g := newGate(t, nil)
	now := epoch()
	a := g.Ask(now, "anna", nil, true)
	if a.Admitted || a.Wait != waitLeast+waitFull {
		t.Fatalf("got %+v", a)
	}
	now = now.Add(a.Wait)
	b := g.Ask(now, "anna", a.Slot, true)
	if b.Admitted || bytes.Equal(a.Slot, b.Slot) {
		t.Errorf("still full, got %+v", b)
	}
	if !newGate(t, nil).Ask(now, "anna", a.Slot, false).Admitted {
		t.Error("another edge does not let him in")
	}
}

// However many come, nobody waits for longer than the longest wait, and what
// the gate keeps does not grow.
func TestLongestWait(t *testing.T) {
	g := newGate(t, func(c *GateConfig) { c.MaxWait = 10 * time.Second })
	crowd(g, epoch())
	for i := range 5000 {
		a := g.Ask(epoch(), fmt.Sprint(i), nil, false)
		if a.Admitted || a.Wait > 10*time.Second || a.Wait < waitLeast {
			t.Fatalf("number %d got %+v", i, a)
		}
	}
	if c := g.Counts(epoch()); c.Beyond < 4000 || c.Horizon > 11*time.Second {
		t.Errorf("counted %+v", c)
	}
	// Neither does a clock that is set back by an hour.
	if a := g.Ask(epoch().Add(-time.Hour), "late", nil, false); a.Wait > 10*time.Second {
		t.Errorf("after the clock was set back: %+v", a)
	}
}

func TestUsedSlotsAreBounded(t *testing.T) {
	s := seen{period: time.Minute}
	now := epoch()
	for id := range uint64(3 * seenMost) {
		s.add(now, id)
	}
	if len(s.now)+len(s.before) != 2*seenMost || s.forgotten != seenMost || s.has(5) {
		t.Errorf("%d and %d are remembered, %d forgotten", len(s.now), len(s.before), s.forgotten)
	}
	const last = 3*seenMost - 1
	s.add(now.Add(time.Minute), 1<<40)
	if !s.has(last) || !s.has(1<<40) {
		t.Error("forgotten too early")
	}
	s.add(now.Add(2*time.Minute), 1<<41)
	if s.has(last) || !s.has(1<<40) {
		t.Error("not forgotten in time")
	}
	if s.forgotten != seenMost {
		t.Errorf("%d count as forgotten, with those whose time was over", s.forgotten)
	}
}

// In a storm more slots are used than can be remembered. One that is presented
// without end is let in now and then all the same, not each time.
func TestUsedSlotInAStorm(t *testing.T) {
	const rate = 4000
	g := newGate(t, func(c *GateConfig) { c.PerSecond = rate })
	now := epoch()
	for i := range 2 * seenMost {
		now = epoch().Add(time.Duration(i) * time.Second / rate)
		who := fmt.Sprint("phone-", i)
		if !g.Ask(now, who, newSlot(g.key, who, now, uint64(i)), false).Admitted {
			t.Fatalf("%s was not let in at its slot", who)
		}
	}
	one := newSlot(g.key, "mallory", now, 1<<40)
	in := 0
	for range 1000 {
		crowd(g, now)
		if g.Ask(now, "mallory", one, false).Admitted {
			in++
		}
	}
	if in != 1 {
		t.Errorf("one slot let %d devices in", in)
	}
}

// However low the rate is, devices come in that know nothing of slots.
func TestLowRateWithoutSlots(t *testing.T) {
	g := newGate(t, func(c *GateConfig) { c.PerSecond = 1 })
	g.adapt(time.Second)
	for at := time.Duration(0); at < time.Minute; at += time.Second {
		if at > 0 && g.Ask(epoch().Add(at), "old", nil, false).Admitted {
			return
		}
	}
	t.Error("nobody came in within a minute")
}

func TestRateFollowsTheLoad(t *testing.T) {
	g := newGate(t, nil)
	for range 100 {
		g.adapt(late + time.Millisecond)
	}
	if g.rate != 25 {
		t.Errorf("under load the rate is %v", g.rate)
	}
	for range 100 {
		g.adapt(late / 2)
	}
	if g.rate != 100 {
		t.Errorf("afterwards it is %v", g.rate)
	}
}

func TestPercentile(t *testing.T) {
	bounds := []float64{0, 1, 2, 3}
	for n, want := range map[uint64]float64{0: 0, 1: 0, 99: 0, 100: 2, 101: 2} {
		if got := percentile([]uint64{99, 0, 2}, bounds, n); got != want {
			t.Errorf("value %d is in %v, want %v", n, got, want)
		}
	}
	if worst := newWaits().worst(); worst < 0 || worst > time.Minute {
		t.Errorf("the runtime says %v", worst)
	}
}

func FuzzSlot(f *testing.F) {
	key, err := slotKey(fleetKey())
	if err != nil {
		f.Fatal(err)
	}
	good := newSlot(key, "anna", epoch(), 7)
	f.Add(good)
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, slot []byte) {
		at, _, ok := readSlot(key, "anna", slot)
		if ok && !bytes.Equal(slot, good) {
			t.Errorf("took %x", slot)
		}
		if ok && !at.Equal(epoch()) {
			t.Errorf("read %v", at)
		}
	})
}

func BenchmarkAsk(b *testing.B) {
	g, err := NewGate(GateConfig{FleetKey: fleetKey(), PerSecond: 100})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		g.Ask(epoch(), "acme/anna/phone", nil, false)
	}
}
