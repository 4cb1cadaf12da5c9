package park

import (
	"testing"
	"time"
)

// Sockets that come and go leave in the wheel a number each, and none once it
// has turned; nor do deadlines that are moved to and fro.
func TestChurnLeavesNothingInTheWheel(t *testing.T) {
	const sockets = 100
	l, p := door(t)
	for range sockets {
		o, peer := enter(t, l, p)
		o.Park()
		for i := range 50 {
			o.ReadBy(time.Now().Add(time.Hour + time.Duration(i)*time.Second))
			o.WriteBy(time.Now().Add(time.Duration(i) * time.Minute))
		}
		_, _ = o.Close(), peer.Close()
	}
	if n := p.wheel.entries(); n > sockets {
		t.Errorf("%d entries for %d sockets", n, sockets)
	}
	p.wheel.turn(time.Now().Add(wheelSlots*tick), func(n int32, at uint32) {
		if s := p.table.get(n); s != nil {
			s.expire(at)
		}
	})
	if n := p.wheel.entries(); n != 0 {
		t.Errorf("%d entries are left", n)
	}
}

func (w *wheel) entries() (n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, slot := range w.slots {
		n += len(slot)
	}
	return n
}
