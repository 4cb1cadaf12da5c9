package park

import (
	"net"
	"testing"
	"time"
)

// Sockets that come and go leave in the wheel a number each, and none once it
// has turned; nor do deadlines that are moved to and fro.
func TestChurnLeavesNothingInTheWheel(t *testing.T) {
	const sockets = 100
	l, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := NewPoller()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { p.Close(); p.Wait() }()
	for range sockets {
		peer, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fd, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		o := &owned{told: make(chan Events, 1000)}
		if err := o.Open(p, fd, o); err != nil {
			t.Fatal(err)
		}
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
