//go:build linux && !unparked

package transport_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// echo sends back what comes, as a session does: it stops to read while
// something waits to be taken.
type echo struct {
	conn transport.Parker
	last chan error // of Read, after the end

	buf   [700]byte
	stuck bool
}

func (e *echo) Drained(error) { e.stuck = false } // Ready follows

func (e *echo) Ready() {
	for !e.stuck {
		n, err := e.conn.Read(e.buf[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return
		}
		if errors.Is(err, net.ErrClosed) {
			e.last <- err
			e.stuck = true
			return
		}
		if err == nil {
			_, err = e.conn.Write(e.buf[:n])
		}
		if err != nil {
			_ = e.conn.CloseWithCode(0, "")
			continue
		}
		e.stuck = e.conn.Backlog()
	}
}

func echoServer(t *testing.T) (l transport.Listener, ends chan error, dial func() transport.Conn) {
	t.Helper()
	server, client := newTLS(t)
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	ends = make(chan error, 1000)
	go func() {
		for {
			c, err := l.Accept(context.Background())
			if err != nil {
				return
			}
			p := c.(transport.Parker)
			p.Park(&echo{conn: p, last: ends})
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return l, ends, func() transport.Conn {
		c, err := transport.DialTCP(t.Context(), l.Addr().String(), client)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}

// Bytes pass through parked connections both ways, in pieces of any size, and
// each handler is told the end once.
func TestParkedEcho(t *testing.T) {
	_, ends, dial := echoServer(t)
	const conns, size = 20, 400_000
	var wg sync.WaitGroup
	for i := range conns {
		c := dial()
		want := make([]byte, size)
		random := rand.New(rand.NewPCG(uint64(i), 0))
		for j := range want {
			want[j] = byte(random.Uint32())
		}
		wg.Go(func() {
			for rest := want; len(rest) > 0; {
				n := min(len(rest), 1+random.IntN(40_000))
				if _, err := c.Write(rest[:n]); err != nil {
					t.Errorf("Write: %v", err)
					return
				}
				rest = rest[n:]
			}
		})
		wg.Go(func() {
			got := make([]byte, size)
			if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, want) {
				t.Errorf("other bytes came back, or %v", err)
			}
			_ = c.CloseWithCode(0, "")
		})
	}
	wg.Wait()
	for range conns {
		select {
		case <-ends:
		case <-time.After(time.Minute):
			t.Fatal("a handler was not told the end")
		}
	}
	select {
	case <-ends:
		t.Error("a handler was told the end twice")
	case <-time.After(50 * time.Millisecond):
	}
}

// However many are idle, there are no more goroutines.
func TestParkedConnectionsHaveNoGoroutine(t *testing.T) {
	_, _, dial := echoServer(t)
	hello := func(c transport.Conn) {
		b := []byte("hello")
		if _, err := c.Write(b); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(c, b); err != nil {
			t.Fatal(err)
		}
	}
	first := dial()
	defer first.CloseWithCode(0, "")
	hello(first)
	before := settled()
	for range 100 {
		c := dial()
		defer c.CloseWithCode(0, "")
		hello(c)
	}
	until(t, "as few goroutines as with one connection", func() bool { return runtime.NumGoroutine() <= before+10 })
}

// A listener that is shut down leaves no goroutine and no file behind.
func TestShutdownLeavesNothing(t *testing.T) {
	server, client := newTLS(t)
	files := func() int {
		names, err := os.ReadDir("/proc/self/fd")
		if err != nil {
			t.Skip(err)
		}
		return len(names)
	}
	before, open := settled(), files()
	for range 4 {
		l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
		if err != nil {
			t.Fatal(err)
		}
		dialed, edge := connect(t, l, transport.DialTCP, client)
		edge.(transport.Parker).Park(drains(nil))
		_ = dialed.CloseWithCode(0, "")
		_ = edge.CloseWithCode(0, "")
		if err := l.Shutdown(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the end of all goroutines and files", func() bool { return runtime.NumGoroutine() <= before && files() <= open })
}

// settled is the number of goroutines once it falls no more.
func settled() int {
	n := runtime.NumGoroutine()
	for range 20 {
		time.Sleep(10 * time.Millisecond)
		n = min(n, runtime.NumGoroutine())
	}
	return n
}

// A handler that comes after CloseWithCode is told so all the same.
func TestParkAfterClose(t *testing.T) {
	edge := newParker(t)
	_ = edge.CloseWithCode(3502, "superseded")
	e := &echo{conn: edge, last: make(chan error, 2)}
	e.conn.Park(e)
	select {
	case <-e.last:
	case <-time.After(time.Minute):
		t.Error("the handler was not told")
	}
}

// newParker is the edge's end of a connection.
func newParker(t *testing.T) transport.Parker {
	t.Helper()
	server, client := newTLS(t)
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Shutdown(context.Background()) })
	_, edge := connect(t, l, transport.DialTCP, client)
	return edge.(transport.Parker)
}

// The deadline of a parked connection is told by Ready.
func TestParkedReadDeadline(t *testing.T) {
	p := newParker(t)
	calls := make(ticks, 100)
	p.Park(calls)
	<-calls
	start := time.Now()
	_ = p.SetReadDeadline(start.Add(200 * time.Millisecond))
	for {
		select {
		case <-calls: // also without a reason
			if time.Since(start) >= 200*time.Millisecond {
				return
			}
		case <-time.After(time.Minute):
			t.Fatal("the deadline passed in silence")
		}
	}
}

type ticks chan struct{}

func (c ticks) Ready()        { c <- struct{}{} }
func (c ticks) Drained(error) {}

// A handler that waits for a peer that does not read is told when the write
// deadline has passed, and why.
func TestParkedWriteDeadline(t *testing.T) {
	p := newParker(t)
	given := make(drains, 1)
	p.Park(given)
	_ = p.SetWriteDeadline(time.Now().Add(time.Hour))
	for !p.Backlog() {
		if _, err := p.Write(make([]byte, 16<<10)); err != nil {
			t.Fatal(err)
		}
	}
	_ = p.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	select {
	case err := <-given:
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("told %v", err)
		}
	case <-time.After(time.Minute):
		t.Fatal("the deadline passed in silence")
	}
}

type drains chan error

func (c drains) Ready()            {}
func (c drains) Drained(err error) { c <- err }

// A deadline that is set while the connection is closed does not undo that of
// the close: nothing else would end a connection whose peer has vanished.
func TestDeadlineWhileClosing(t *testing.T) {
	server, client := newTLS(t)
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	for range 300 {
		_, edge := connect(t, l, transport.DialTCP, client)
		p := edge.(transport.Parker)
		p.Park(drains(nil))
		var both sync.WaitGroup
		start := make(chan struct{})
		both.Go(func() { <-start; _ = p.CloseWithCode(0, "") })
		both.Go(func() {
			<-start
			for p.SetReadDeadline(time.Now().Add(time.Hour)) == nil {
			}
		})
		close(start)
		both.Wait()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		t.Errorf("Shutdown: %v", err)
	}
}
