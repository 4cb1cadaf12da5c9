package transporttest

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// stuffing is more than any transport keeps on the way to a peer that does not
// read.
const stuffing = 64 << 20

func testBytes(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	up, down := pattern(300_000), pattern(200_000)
	done := make(chan struct{})
	go func() {
		defer close(done)
		mustRead(t, device, down)
		_, _ = device.Write(up)
	}()
	mustWrite(t, edge, down)
	mustRead(t, edge, up)
	<-done
	if k := f.listener.Kind(); device.Kind() != k || edge.Kind() != k {
		t.Errorf("kinds %s and %s on a listener of kind %s", device.Kind(), edge.Kind(), k)
	}
	if !edge.RemoteAddr().IsValid() || device.RemoteAddr().Port() != f.listener.Addr().Port() {
		t.Errorf("remote addresses %s and %s, listener %s", edge.RemoteAddr(), device.RemoteAddr(), f.listener.Addr())
	}
}

func testLastBytes(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	last := pattern(2000)
	mustWrite(t, edge, last)
	if err := edge.CloseWithCode(3000, "stop"); err != nil {
		t.Fatal(err)
	}
	if got := mustEnd(t, device); !bytes.Equal(got, last) {
		t.Fatalf("%d bytes arrived of %d", len(got), len(last))
	}
}

// testLastBytesUnread is the trap of TCP: closing a socket with unread bytes
// resets the connection, and the reset overtakes what was sent.
func testLastBytesUnread(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	mustWrite(t, device, pattern(5000))
	last := pattern(2000)
	mustWrite(t, edge, last)
	if err := edge.CloseWithCode(3000, "stop"); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond) // the device is slow to read
	if got := mustEnd(t, device); !bytes.Equal(got, last) {
		t.Fatalf("%d bytes arrived of %d", len(got), len(last))
	}
}

func testDialerLastBytes(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	last := pattern(2000)
	mustWrite(t, device, last)
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		_ = device.CloseWithCode(0, "")
	}()
	if got := mustEnd(t, edge); !bytes.Equal(got, last) {
		t.Fatalf("%d bytes arrived of %d", len(got), len(last))
	}
	_ = edge.CloseWithCode(0, "")
	within(t, "CloseWithCode", func() { <-closed })
}

func testCloseUnblocksRead(t *testing.T, f *fixture) {
	for _, side := range []string{"device", "edge"} {
		c, other := f.pair(t)
		if side == "edge" {
			c, other = other, c
		}
		_ = other
		failed := make(chan error, 1)
		go func() {
			_, err := c.Read(make([]byte, 1))
			failed <- err
		}()
		time.Sleep(10 * time.Millisecond)
		_ = c.CloseWithCode(0, "")
		within(t, "Read", func() {
			if err := <-failed; !isClosed(err) {
				t.Errorf("%s: Read = %v, want net.ErrClosed", side, err)
			}
		})
	}
}

func testCloseUnblocksWrite(t *testing.T, f *fixture) {
	_, edge := f.pair(t)
	failed := make(chan error, 1)
	go func() {
		_, err := edge.Write(make([]byte, stuffing))
		failed <- err
	}()
	time.Sleep(50 * time.Millisecond)
	_ = edge.CloseWithCode(3004, "too slow")
	within(t, "Write", func() {
		if err := <-failed; !isClosed(err) {
			t.Errorf("Write = %v, want net.ErrClosed", err)
		}
	})
}

func testCloseTwice(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	for range 2 {
		for _, c := range []transport.Conn{edge, device} {
			if err := c.CloseWithCode(3000, "stop"); err != nil {
				t.Errorf("CloseWithCode: %v", err)
			}
			if _, err := c.Read(make([]byte, 1)); !isClosed(err) {
				t.Errorf("Read after close = %v", err)
			}
			if _, err := c.Write([]byte{1}); !isClosed(err) {
				t.Errorf("Write after close = %v", err)
			}
		}
	}
}

func testReadDeadline(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	_ = edge.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	if _, err := edge.Read(make([]byte, 1)); !isTimeout(err) {
		t.Fatalf("Read = %v, want os.ErrDeadlineExceeded", err)
	}
	// A missed read deadline harms nothing.
	_ = edge.SetReadDeadline(time.Time{})
	mustWrite(t, device, []byte("on"))
	mustRead(t, edge, []byte("on"))
	// A deadline set from elsewhere reaches a Read that is waiting.
	failed := make(chan error, 1)
	go func() {
		_, err := edge.Read(make([]byte, 1))
		failed <- err
	}()
	time.Sleep(10 * time.Millisecond)
	_ = edge.SetReadDeadline(time.Now())
	within(t, "Read", func() {
		if err := <-failed; !isTimeout(err) {
			t.Errorf("Read = %v, want os.ErrDeadlineExceeded", err)
		}
	})
}

func testWriteDeadline(t *testing.T, f *fixture) {
	_, edge := f.pair(t)
	_ = edge.SetWriteDeadline(time.Now().Add(50 * time.Millisecond))
	within(t, "Write", func() {
		if _, err := edge.Write(make([]byte, stuffing)); !isTimeout(err) {
			t.Errorf("Write = %v, want os.ErrDeadlineExceeded", err)
		}
	})
}

func testAcceptContext(t *testing.T, f *fixture) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	within(t, "Accept", func() {
		if _, err := f.listener.Accept(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("Accept = %v, want context.Canceled", err)
		}
	})
}

func testListenerClose(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	for range 2 {
		if err := f.listener.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
	if _, err := f.listener.Accept(context.Background()); !isClosed(err) {
		t.Errorf("Accept after Close = %v", err)
	}
	mustWrite(t, device, []byte("still"))
	mustRead(t, edge, []byte("still"))
	mustWrite(t, edge, []byte("here"))
	mustRead(t, device, []byte("here"))
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if c, err := f.dial(ctx); err == nil {
		_ = c.CloseWithCode(0, "")
		t.Error("a closed listener took a connection")
	}
}

func testShutdownWaits(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	_ = f.listener.Close()
	down := make(chan error, 1)
	go func() { down <- f.listener.Shutdown(context.Background()) }()
	select {
	case err := <-down:
		t.Fatalf("Shutdown = %v with a connection open", err)
	case <-time.After(50 * time.Millisecond):
	}
	_ = edge.CloseWithCode(3000, "stop")
	_ = mustEnd(t, device)
	_ = device.CloseWithCode(0, "")
	within(t, "Shutdown", func() {
		if err := <-down; err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
}

func testPeerClose(t *testing.T, f *fixture) {
	device, edge := f.pair(t)
	go func() { _ = device.CloseWithCode(0, "") }()
	if got := mustEnd(t, edge); len(got) > 0 {
		t.Errorf("read %d bytes that nobody wrote", len(got))
	}
}
