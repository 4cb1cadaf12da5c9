//go:build linux && !unparked

package transport_test

import (
	"errors"
	"net"
	"os"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// sink drops what comes.
type sink struct {
	conn transport.Conn
	got  atomic.Int64
}

func (s *sink) Drained(error) {}

func (s *sink) Ready() {
	var buf [700]byte
	for {
		n, err := s.conn.Read(buf[:])
		s.got.Add(int64(n))
		if err != nil {
			if !errors.Is(err, os.ErrDeadlineExceeded) && !errors.Is(err, net.ErrClosed) {
				_ = s.conn.CloseWithCode(0, "")
			}
			return
		}
	}
}

// What an edge's end keeps to read into is as large as that of a connection
// which hardly says anything, whatever key exchange its device offered, however
// much the device said at once, and in whatever pieces that came.
func TestReadBufferStaysSmall(t *testing.T) {
	server, client := newTLS(t)
	server.CurvePreferences = transport.KeyExchanges(true)
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Shutdown(t.Context()) })
	const most = 576 // what crypto/tls begins with
	for _, postQuantum := range []bool{false, true} {
		client.CurvePreferences = transport.KeyExchanges(postQuantum)
		device, err := transport.DialTCP(t.Context(), l.Addr().String(), client)
		if err != nil {
			t.Fatal(err)
		}
		edge, err := l.Accept(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		s := &sink{conn: edge}
		if want, got := client.CurvePreferences[0], edge.TLS().CurveID; got != want {
			t.Errorf("negotiated %s, want %s", got, want)
		}
		sent := int64(0)
		write := func(length, times int) {
			t.Helper()
			for range times {
				if _, err := device.Write(make([]byte, length)); err != nil {
					t.Fatal(err)
				}
				sent += int64(length)
			}
		}
		write(900, 1) // a Hello with a large token
		edge.(transport.Parker).Park(s)
		write(30, 300)
		write(5000, 20)
		for end := time.Now().Add(time.Minute); s.got.Load() < sent; time.Sleep(time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%d of %d bytes have come", s.got.Load(), sent)
			}
		}
		if got := transport.ReadBuffer(edge); got > most {
			t.Errorf("post-quantum %v: the edge keeps %d bytes to read into, want at most %d", postQuantum, got, most)
		}
		_ = device.CloseWithCode(0, "")
	}
}
