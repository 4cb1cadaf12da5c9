package sessionsum

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// The value is part of the protocol between edges and routers of different
// versions: it must not change.
func TestOfIsStable(t *testing.T) {
	if got, want := Of(7, "acme", "u1", "d1", 1_700_000_000_000), uint64(0xd4a44fcd7caf67f2); got != want {
		t.Fatalf("Of = %#x, want %#x", got, want)
	}
}

func TestOfTellsFieldsApart(t *testing.T) {
	base := Of(1, "t", "u", "d", 1)
	others := map[string]uint64{
		"conn":   Of(2, "t", "u", "d", 1),
		"tenant": Of(1, "T", "u", "d", 1),
		"user":   Of(1, "t", "U", "d", 1),
		"device": Of(1, "t", "u", "D", 1),
		"epoch":  Of(1, "t", "u", "d", 2),
		"border": Of(1, "tu", "", "d", 1),
		"swap":   Of(1, "u", "t", "d", 1),
	}
	for name, v := range others {
		if v == base {
			t.Errorf("a different %s gives the same sum", name)
		}
	}
}

// Two sets that swap devices between connections must not sum to the same.
func TestSumSeesSwappedDevices(t *testing.T) {
	a := Of(1, "t", "u1", "d", 5) + Of(2, "t", "u2", "d", 5)
	b := Of(1, "t", "u2", "d", 5) + Of(2, "t", "u1", "d", 5)
	if a == b {
		t.Fatal("swapped sessions sum to the same")
	}
}

// Computed many at a time the sums are the same, whatever the names' lengths.
func TestBatchIsOf(t *testing.T) {
	var b Batch
	rng := rand.New(rand.NewPCG(1, 2))
	name := func() string { return strings.Repeat("x-\xff"[rng.IntN(3):][:1], rng.IntN(maxName+2)) }
	for n := range 40 {
		sessions := make([]Session, n)
		for i := range sessions {
			sessions[i] = Session{rng.Uint64(), name(), name(), name(), rng.Int64()}
		}
		sums := make([]uint64, n)
		b.Of(sums, func(i int) Session { return sessions[i] })
		for i, s := range sessions {
			if want := Of(s.Conn, s.Tenant, s.User, s.Device, s.Epoch); sums[i] != want {
				t.Fatalf("%d of %d: %#x, want %#x: %+v", i, n, sums[i], want, s)
			}
		}
	}
}
