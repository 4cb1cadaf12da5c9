package park

import (
	"context"
	"net"
	"testing"
	"time"
)

// A peer that sends without a pause does not hold up the others of its loop.
func TestFloodHoldsUpNobody(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	p, err := newPoller(1)
	if err != nil {
		t.Fatal(err)
	}
	open := func(read func(*owned)) (*owned, net.Conn) {
		peer, err := new(net.Dialer).DialContext(context.Background(), "tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		fd, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		o := &owned{told: make(chan Events, 1<<20)}
		o.read = func() { read(o) }
		if err := o.Open(p, fd, o); err != nil {
			t.Fatal(err)
		}
		return o, peer
	}
	heard := make(chan struct{}, 1)
	// It reads more slowly than the peer sends.
	flooded, flood := open(func(o *owned) {
		for b := make([]byte, 1); ; {
			if _, err := o.Read(b); err != nil {
				return
			}
			signal(heard)
		}
	})
	quiet, peer := open(func(o *owned) { _, _ = o.Read(make([]byte, 10)) })
	t.Cleanup(func() {
		_, _, _, _ = flood.Close(), peer.Close(), flooded.Close(), quiet.Close()
		p.Close()
		p.Wait()
	})
	quiet.Park()
	quiet.await(t, Woken)
	flooded.Park()
	go func() {
		for b := make([]byte, 1<<16); ; {
			if _, err := flood.Write(b); err != nil {
				return
			}
		}
	}()
	<-heard
	time.Sleep(50 * time.Millisecond) // most likely the loop is at it
	if _, err := peer.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	quiet.await(t, Readable)
}

// A writer that waits is told that nothing is left to wait for, also where
// another write is what exceeded the bound.
func TestBacklogGivenUpIsTold(t *testing.T) {
	o, _ := pair(t)
	o.Park()
	o.await(t, Woken)
	piece := make([]byte, 16<<10)
	for !o.Backlog() {
		if _, err := o.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	for {
		if _, err := o.Write(piece); err != nil {
			break
		}
	}
	o.await(t, Drained)
}
