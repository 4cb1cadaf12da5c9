// Package transporttest is the conformance suite of package transport: every
// implementation of its interfaces runs it.
package transporttest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// patience bounds what should happen at once. It is long because other tests may
// want all the machine, and nothing waits for it unless something is broken.
const patience = time.Minute

// Setup makes a listener and a way to dial it. The suite closes the listener.
type Setup func(t *testing.T) (l transport.Listener, dial func(context.Context) (transport.Conn, error))

// Run runs the suite.
func Run(t *testing.T, setup Setup) {
	for _, c := range []struct {
		name string
		test func(*testing.T, *fixture)
	}{
		{"BytesArriveInOrder", testBytes},
		{"LastBytesArriveBeforeTheEnd", testLastBytes},
		{"LastBytesSurviveUnreadOnes", testLastBytesUnread},
		{"DialerSeesItsOwnLastBytesThrough", testDialerLastBytes},
		{"CloseUnblocksRead", testCloseUnblocksRead},
		{"CloseUnblocksWrite", testCloseUnblocksWrite},
		{"CloseIsIdempotent", testCloseTwice},
		{"ReadDeadline", testReadDeadline},
		{"WriteDeadline", testWriteDeadline},
		{"AcceptEndsWithContext", testAcceptContext},
		{"CloseLeavesOpenConnections", testListenerClose},
		{"ShutdownWaits", testShutdownWaits},
		{"PeerCloseEndsRead", testPeerClose},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, newFixture(t, setup)) })
	}
}

type fixture struct {
	listener transport.Listener
	dial     func(context.Context) (transport.Conn, error)
}

func newFixture(t *testing.T, setup Setup) *fixture {
	l, dial := setup(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := l.Shutdown(ctx); err != nil {
			t.Errorf("Shutdown: %v", err)
		}
	})
	return &fixture{listener: l, dial: dial}
}

// pair connects and exchanges a byte in both directions, so that QUIC knows
// the stream.
func (f *fixture) pair(t *testing.T) (device, edge transport.Conn) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	dialed := make(chan error, 1)
	go func() {
		var err error
		if device, err = f.dial(ctx); err == nil {
			_, err = device.Write([]byte{1})
		}
		dialed <- err
	}()
	edge, err := f.listener.Accept(ctx)
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	t.Cleanup(func() { _ = edge.CloseWithCode(0, "") })
	if err := <-dialed; err != nil {
		t.Fatalf("dial: %v", err)
	}
	t.Cleanup(func() { _ = device.CloseWithCode(0, "") })
	mustRead(t, edge, []byte{1})
	mustWrite(t, edge, []byte{2})
	mustRead(t, device, []byte{2})
	return device, edge
}

func mustWrite(t *testing.T, c transport.Conn, p []byte) {
	t.Helper()
	if n, err := c.Write(p); err != nil || n != len(p) {
		t.Fatalf("Write = %d, %v", n, err)
	}
}

func mustRead(t *testing.T, c transport.Conn, want []byte) {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	defer func() { _ = c.SetReadDeadline(time.Time{}) }()
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c, got); err != nil {
		t.Fatalf("Read: %v", err)
	}
	if !bytes.Equal(got, want) {
		t.Fatalf("read other bytes than were written")
	}
}

// mustEnd reads to the end and returns what came before it.
func mustEnd(t *testing.T, c transport.Conn) []byte {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(patience))
	got, err := io.ReadAll(c)
	_, _, coded := transport.CodeFromError(err)
	if err != nil && !coded {
		t.Fatalf("Read = %v, want io.EOF or a code", err)
	}
	return got
}

// within fails the test when f does not return in time.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(patience):
		t.Fatalf("%s did not return", what)
	}
}

func pattern(n int) []byte {
	p := make([]byte, n)
	for i := range p {
		p[i] = byte(i * 7)
	}
	return p
}

func isTimeout(err error) bool { return errors.Is(err, os.ErrDeadlineExceeded) }

func isClosed(err error) bool { return errors.Is(err, net.ErrClosed) }
