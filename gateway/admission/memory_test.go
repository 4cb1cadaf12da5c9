package admission

import (
	"math"
	"runtime"
	"runtime/debug"
	"testing"
	"testing/synctest"
	"time"
)

func TestMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		share, short := 0.5, false
		m := &Memory{share: func() float64 { return share }, short: func() bool { return short }}
		for _, step := range []struct {
			share      float64
			full, room bool
		}{{0.5, false, true}, {0.9, true, true}, {0.99, true, false}, {0.2, false, true}} {
			time.Sleep(memoryEvery)
			share = step.share
			if m.Full() != step.full || m.Room() != step.room {
				t.Errorf("at %v full is %t, room %t", step.share, m.Full(), m.Room())
			}
		}
		if short = true; !m.Full() || !m.Room() {
			t.Error("devices are not told to come back where the machine has nothing left")
		}
	})
}

// What is held counts against the limit, what could be collected does not.
func TestShareOfLimit(t *testing.T) {
	const limit = 256 << 20
	defer debug.SetMemoryLimit(debug.SetMemoryLimit(limit))
	runtime.GC() // nothing of an earlier run
	before := shareOfLimit()
	kept := make([]byte, 64<<20)
	runtime.GC()
	if with := shareOfLimit(); math.Abs(with-before-0.25) > 0.05 {
		t.Errorf("64 MiB of 256 made it %.2f from %.2f", with, before)
	}
	runtime.KeepAlive(kept)
	debug.SetMemoryLimit(math.MaxInt64)
	if shareOfLimit() != 0 {
		t.Error("something is held of no limit")
	}
}
