package transport_test

import (
	"context"
	"crypto/tls"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// An edge tells others whether it takes their devices; one that does not know
// the question, or is not there, does not.
func TestProbe(t *testing.T) {
	var up atomic.Bool
	r := newRejecting(t, transport.ListenTCP, transport.ListenConfig{Up: up.Load})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	addr := r.Addr().String()
	if err := transport.Probe(ctx, addr, r.client); !errors.Is(err, transport.ErrDown) {
		t.Errorf("down: %v", err)
	}
	up.Store(true)
	if err := transport.Probe(ctx, addr, r.client); err != nil {
		t.Errorf("up: %v", err)
	}
	if err := transport.Probe(ctx, addr, nil); err == nil {
		t.Error("a certificate of nobody's was believed")
	}
	_ = r.Close()
	if err := transport.Probe(ctx, addr, r.client); err == nil || errors.Is(err, transport.ErrDown) {
		t.Errorf("gone: %v", err)
	}
	if err := transport.Probe(ctx, "nowhere", r.client); err == nil {
		t.Error("an address without a port was taken")
	}
}

func TestProbeOfAnOlderEdge(t *testing.T) {
	server, client := newTLS(t)
	server.NextProtos = []string{"hawser/1"}
	l, err := tls.Listen("tcp", "127.0.0.1:0", server)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.(*tls.Conn).Handshake()
			_ = c.Close()
		}
	}()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := transport.Probe(ctx, l.Addr().String(), client); err == nil {
		t.Error("taken for better off")
	}
}
