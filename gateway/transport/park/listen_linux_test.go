package park

import (
	"net"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// What the system holds is counted until it is accepted.
func TestWaiting(t *testing.T) {
	l, err := Listen(t.Context(), "127.0.0.1:0", false)
	if err != nil {
		t.Fatal(err)
	}
	const conns = 5
	for range conns {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	for end := time.Now().Add(time.Minute); l.Waiting() != conns; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d wait, want %d", l.Waiting(), conns)
		}
	}
	fd, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if n := l.Waiting(); n != conns-1 {
		t.Errorf("%d wait after one was accepted", n)
	}
	_ = l.Close()
	if n := l.Waiting(); n != 0 {
		t.Errorf("%d wait after the end", n)
	}
}
