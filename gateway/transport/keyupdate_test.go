package transport_test

import (
	"crypto/tls"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/tlspeer"
)

// A peer that asks for one key update after the other and reads none of the
// answers fills the socket's buffer. It needs no token for that, and must not
// hold the Read, and the place before Hello, beyond the deadline.
func TestKeyUpdatesDoNotHoldARead(t *testing.T) {
	server, client := newTLS(t)
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	flooder := dialFlooder(t, l.Addr().String(), client)
	edge, err := l.Accept(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.CloseWithCode(0, "") })
	if err := transport.ShrinkWriteBuffer(edge); err != nil {
		t.Fatal(err)
	}
	full := make(chan struct{})
	go func() { defer close(full); flooder.flood() }()
	_ = edge.SetReadDeadline(time.Now().Add(time.Minute))
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, edge)
		read <- err
	}()
	// The flooder gets no further once the edge has stopped to read.
	<-full
	_ = edge.SetReadDeadline(time.Now())
	select {
	case err := <-read:
		if err == nil {
			t.Error("Read ended well")
		}
	case <-time.After(time.Minute):
		t.Error("Read is held beyond its deadline")
	}
}

// flooder is a TLS client that does what no library would.
type flooder struct {
	raw  net.Conn
	peer *tlspeer.Conn
}

func dialFlooder(t *testing.T, addr string, config *tls.Config) *flooder {
	t.Helper()
	raw, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = raw.Close() })
	// Small, so that little is enough to fill them.
	_ = raw.(*net.TCPConn).SetReadBuffer(4096)
	_ = raw.(*net.TCPConn).SetWriteBuffer(4096)
	config = config.Clone()
	config.NextProtos, config.ServerName = []string{"hawser/1"}, "127.0.0.1"
	peer, err := tlspeer.Client(t.Context(), raw, config)
	if errors.Is(err, tlspeer.ErrSuite) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &flooder{raw, peer}
}

// flood sends key updates until the other side takes none for a while, with a
// byte of a frame now and then: crypto/tls refuses too many in a row.
func (f *flooder) flood() {
	const inARow = 15
	for {
		var b []byte
		for range inARow {
			b = append(b, f.peer.KeyUpdate(true)...)
		}
		b = append(b, f.peer.Record(tlspeer.Data, []byte{0}, 0)...)
		_ = f.raw.SetWriteDeadline(time.Now().Add(500 * time.Millisecond))
		if _, err := f.raw.Write(b); err != nil {
			return
		}
	}
}
