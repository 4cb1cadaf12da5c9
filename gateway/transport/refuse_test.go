package transport_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// An edge that drains still serves its devices, and tells others at once that
// it takes none.
func TestClosedListenerRefuses(t *testing.T) {
	server, client := newTLS(t)
	for _, i := range implementations {
		t.Run(i.name, func(t *testing.T) {
			rejected := make(chan string, 10)
			l, err := i.listen(transport.ListenConfig{
				Addr: "127.0.0.1:0", TLS: server, OnReject: func(_ transport.Kind, reason string) { rejected <- reason },
			})
			if err != nil {
				t.Fatal(err)
			}
			device, edge := connect(t, l, i.dial, client)
			_ = l.Close()
			for range 3 {
				start := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				_, err := i.dial(ctx, l.Addr().String(), client)
				cancel()
				if !transport.Refused(err) {
					t.Fatalf("dial = %v, want a refusal", err)
				}
				if took := time.Since(start); took > 30*time.Second {
					t.Errorf("refused after %v", took)
				}
			}
			if i.name == "quic" {
				if reason := <-rejected; reason != transport.RejectClosing {
					t.Errorf("rejected for %s", reason)
				}
			}
			// The first byte was the one that connect wrote.
			if _, err := device.Write([]byte("still")); err != nil {
				t.Fatal(err)
			}
			if got := make([]byte, 6); !read(t, edge, got) || string(got[1:]) != "still" {
				t.Errorf("the open connection carried %q", got)
			}
			_ = device.CloseWithCode(0, "")
			_ = edge.CloseWithCode(0, "")
			if err := l.Shutdown(t.Context()); err != nil {
				t.Errorf("Shutdown = %v", err)
			}
		})
	}
}

func read(t *testing.T, c transport.Conn, p []byte) bool {
	t.Helper()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	_, err := io.ReadFull(c, p)
	return err == nil
}
