package transport_test

import (
	"context"
	"errors"
	"syscall"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// Who shares a port says so, and one of them has QUIC.
func TestSharedPort(t *testing.T) {
	server, _ := newTLS(t)
	listen := func(addr string, shared bool, kinds ...transport.Kind) (string, error) {
		all, err := transport.Listen(transport.ListenConfig{Addr: addr, TLS: server, Shared: shared}, kinds...)
		if err != nil {
			return "", err
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			for _, l := range all {
				if err := l.Shutdown(ctx); err != nil {
					t.Errorf("Shutdown: %v", err)
				}
			}
		})
		if len(all) != len(kinds) {
			t.Errorf("%d listeners of %v", len(all), kinds)
		}
		return all[0].Addr().String(), nil
	}
	addr, err := listen("127.0.0.1:0", true, transport.TCP, transport.QUIC)
	if !transport.CanShare {
		if err == nil {
			t.Error("a system that shares no ports listens at a shared one")
		}
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := listen(addr, true, transport.TCP); err != nil {
		t.Errorf("a second process: %v", err)
	}
	for name, err := range map[string]error{
		"a second one with QUIC":         second(listen(addr, true, transport.TCP, transport.QUIC)),
		"a second one with QUIC alone":   second(listen(addr, false, transport.QUIC)),
		"one that does not say anything": second(listen(addr, false, transport.TCP)),
	} {
		if !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func second(_ string, err error) error { return err }
