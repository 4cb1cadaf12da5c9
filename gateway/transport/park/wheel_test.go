package park

import (
	"math/rand/v2"
	"testing"
	"time"
)

// Everything comes out at its tick, or earlier where that is further away than
// the wheel is round; and never late.
func TestWheel(t *testing.T) {
	w := newWheel()
	random := rand.New(rand.NewPCG(1, 2))
	due := make([]uint32, 2000)
	for i := range due {
		due[i] = 1 + uint32(random.IntN(3*wheelSlots))
		w.add(int32(i), due[i])
	}
	out := 0
	for at := range 4 * wheelSlots {
		w.turn(w.start.Add(time.Duration(at)*tick), func(n int32, now uint32) {
			if now != uint32(at) {
				t.Fatalf("looked at tick %d, told %d", at, now)
			}
			switch {
			case due[n] == now:
				out++
			case due[n] > now:
				w.add(n, due[n]) // as a socket does
			default:
				t.Errorf("%d is due at %d and came at %d", n, due[n], now)
			}
		})
	}
	if out != len(due) {
		t.Errorf("%d of %d came out", out, len(due))
	}
}

func TestWheelRoundsUp(t *testing.T) {
	w := newWheel()
	for _, c := range []struct {
		after time.Duration
		want  uint32
	}{{-time.Hour, 1}, {0, 1}, {1, 1}, {tick, 1}, {tick + 1, 2}, {1 << 62, 1<<32 - 1}} {
		if got := w.tickOf(w.start.Add(c.after)); got != c.want {
			t.Errorf("%v is tick %d, want %d", c.after, got, c.want)
		}
	}
	if w.tickOf(time.Time{}) != 0 {
		t.Error("never is not 0")
	}
}

// What is put in again in the same number, tick by tick, needs no new memory.
func TestWheelUsesItsArraysAgain(t *testing.T) {
	w := newWheel()
	at := w.start
	turn := func() {
		at = at.Add(tick)
		w.turn(at, func(n int32, _ uint32) { w.add(n, 1<<31) })
	}
	for i := range int32(100 * wheelSlots) {
		w.add(i, uint32(i)%wheelSlots+1)
	}
	for range wheelSlots {
		turn()
	}
	if n := testing.AllocsPerRun(2*wheelSlots, turn); n != 0 {
		t.Errorf("a tick allocates %v times", n)
	}
}

// Ticks with very many numbers leave nothing behind once there are few again.
func TestWheelGivesMemoryBack(t *testing.T) {
	const many, few = 100_000, 10
	w := newWheel()
	at := w.start
	for round := range uint32(3 * wheelSlots) {
		count := int32(few)
		if round%100 == 0 && round < 2*wheelSlots {
			count = many
		}
		for n := range count {
			w.add(n, round+2)
		}
		at = at.Add(tick)
		w.turn(at, func(int32, uint32) {})
	}
	room := cap(w.spare)
	for _, slot := range w.slots {
		room += cap(slot)
	}
	if room > 8*few {
		t.Errorf("there is room for %d numbers, with %d in it", room, few)
	}
}
