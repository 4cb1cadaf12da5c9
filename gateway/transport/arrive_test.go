package transport

import (
	"crypto/tls"
	"net"
	"testing"
	"time"
)

// Connections that the edge has no processor for stay with the system, and come
// in once there is one.
func TestArrivingIsATurn(t *testing.T) {
	const places, all = 2, 20
	certificate := tls.Certificate{} // nobody comes so far as to see it
	in, err := ListenTCP(ListenConfig{Addr: "127.0.0.1:0", Handshakers: places, TLS: &tls.Config{Certificates: []tls.Certificate{certificate}}})
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	l := in.(*tcpListener)
	for range places {
		l.turns.get(true) // somebody else computes
	}
	for range all {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	if n := l.busy.count(); n > 0 {
		t.Errorf("%d have come while there was no place", n)
	}
	for range places {
		l.turns.put(0)
	}
	for end := time.Now().Add(time.Minute); l.busy.count() < all; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of %d have come", l.busy.count(), all)
		}
	}
}
