package memtransport_test

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/transport/memtransport"
	"github.com/hawser-edge/hawser/gateway/transport/transporttest"
)

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(*testing.T) (transport.Listener, func(context.Context) (transport.Conn, error)) {
		l := memtransport.Listen()
		return l, func(ctx context.Context) (transport.Conn, error) { return l.Dial(ctx) }
	})
}

func TestDeadlineIsVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, _ := memtransport.Pipe()
		start := time.Now()
		_ = device.SetReadDeadline(start.Add(30 * time.Minute))
		if _, err := device.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Read = %v", err)
		}
		if got := time.Since(start); got != 30*time.Minute {
			t.Errorf("waited %s", got)
		}
	})
}

func TestBlockedDirections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, edge := memtransport.Pipe()
		device.BlockWrites(true)
		edge.BlockReads(true)
		var wrote, read bool
		go func() { _, _ = device.Write([]byte("x")); wrote = true }()
		go func() { _, _ = edge.Read(make([]byte, 1)); read = true }()
		synctest.Wait()
		if wrote || read {
			t.Fatal("a blocked direction moved")
		}
		device.BlockWrites(false)
		synctest.Wait()
		if !wrote || read {
			t.Fatalf("after the write was let go: wrote %v, read %v", wrote, read)
		}
		edge.BlockReads(false)
		synctest.Wait()
		if !read {
			t.Fatal("the read is still blocked")
		}
	})
}

func TestVanishIsSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device, edge := memtransport.Pipe()
		device.Vanish()
		if _, err := device.Write(make([]byte, 10*memtransport.Buffer)); err != nil {
			t.Fatalf("Write into the void: %v", err)
		}
		_ = edge.CloseWithCode(3000, "")
		_ = device.SetReadDeadline(time.Now().Add(time.Hour))
		if _, err := device.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatalf("Read = %v, want silence", err)
		}
	})
}

func TestReset(t *testing.T) {
	device, edge := memtransport.Pipe()
	edge.Reset()
	if _, err := device.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("Read = %v", err)
	}
}

func TestCloseCarriesTheCode(t *testing.T) {
	device, edge := memtransport.Pipe()
	_ = edge.CloseWithCode(3502, "superseded")
	_, err := device.Read(make([]byte, 1))
	if code, reason, ok := transport.CodeFromError(err); !ok || code != 3502 || reason != "superseded" {
		t.Errorf("CodeFromError(%v) = %d, %q, %v", err, code, reason, ok)
	}
}

func TestRefuse(t *testing.T) {
	l := memtransport.Listen()
	l.Refuse(true)
	if _, err := l.Dial(context.Background()); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Dial = %v", err)
	}
}
