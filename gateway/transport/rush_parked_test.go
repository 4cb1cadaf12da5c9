//go:build linux && !unparked

package transport

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// Where many wait beside others who are there, somebody is told of it; where few
// do, or nobody is to be spared, nobody is.
func TestRush(t *testing.T) {
	for name, c := range map[string]struct {
		elders, come int
		rush         bool
	}{
		"a few":                       {2 * rush, rush / 2, false},
		"many beside others":          {2 * rush, 2 * rush, true},
		"many at an edge that starts": {0, 2 * rush, false},
	} {
		t.Run(name, func(t *testing.T) {
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
			for range c.elders {
				l.open.add()
				defer l.open.done()
			}
			crowd(t, l, c.come)
			if rush := len(told) > 0; rush != c.rush {
				t.Errorf("%d come, %d are there: told %t", c.come, c.elders, rush)
			}
		})
	}
}

// crowd has n connections come while somebody else computes, and then one of
// them after the other has a place.
func crowd(t *testing.T, l *tcpListener, n int) {
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

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
