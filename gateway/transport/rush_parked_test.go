//go:build linux && !unparked

package transport

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// Where many wait, somebody is told of it; where few do, nobody is.
func TestRush(t *testing.T) {
	told := make(chan struct{}, 1)
	in, err := ListenTCP(ListenConfig{
		Addr: "127.0.0.1:0", Handshakers: 1, TLS: &tls.Config{Certificates: []tls.Certificate{{}}},
		OnRush: func() { signal(told) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	l := in.(*tcpListener)
	// come has connections come while somebody else computes, and then one of
	// them after the other has a place.
	come := func(n int) {
		t.Helper()
		l.turns.get(true)
		defer l.turns.put(0)
		for range n {
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = c.Close() })
		}
		if held := Waiting(l); held < n-1 { // one is accepted, and waits for its turn
			t.Errorf("of %d that have come, %d wait", n, held)
		}
		for end := time.Now().Add(time.Minute); Waiting(l) > 1; {
			if time.Now().After(end) {
				t.Fatalf("%d still wait", Waiting(l))
			}
			l.turns.put(0)
			l.turns.get(true)
		}
	}
	come(rush / 2)
	select {
	case <-told:
		t.Error("a few are a rush")
	default:
	}
	come(2 * rush)
	select {
	case <-told:
	case <-time.After(time.Minute):
		t.Error("many are none")
	}
}

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
