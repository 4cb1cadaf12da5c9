package transport_test

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

func TestTryWrite(t *testing.T) {
	server, client := newTLS(t)
	l, err := transport.ListenQUIC(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	device, c := connect(t, l, transport.DialQUIC, client)
	edge := c.(transport.Trier)
	try := func(p []byte) bool {
		done, err := edge.TryWrite(p)
		if err != nil {
			t.Fatal(err)
		}
		return done
	}
	if try(make([]byte, 2000)) {
		t.Error("took more than a packet")
	}
	short := make([]byte, 1000)
	sent := 0
	for try(short) {
		if sent += len(short); sent > 1<<20 {
			t.Fatal("takes anything without an acknowledgement")
		}
	}
	if sent == 0 {
		t.Error("took nothing")
	}
	// Whoever can wait finds out whether the peer takes it, and then it goes on.
	_ = edge.SetWriteDeadline(time.Now().Add(time.Minute))
	if _, err := edge.Write(short); err != nil {
		t.Fatal(err)
	}
	if !try(short) {
		t.Error("took nothing after a Write")
	}
	_ = device.SetReadDeadline(time.Now().Add(time.Minute))
	if _, err := io.ReadFull(device, make([]byte, sent+2*len(short))); err != nil {
		t.Errorf("the device read: %v", err)
	}
	_ = edge.CloseWithCode(3000, "")
	if done, err := edge.TryWrite(short); !done || !errors.Is(err, net.ErrClosed) {
		t.Errorf("after CloseWithCode: %v, %v", done, err)
	}
}
