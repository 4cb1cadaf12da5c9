package transport_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// Each has every connection held, also one that came before it, and ends after
// the last one, while Close waits for none.
func TestEach(t *testing.T) {
	server, client := newTLS(t)
	l, err := transport.ListenTCP(transport.ListenConfig{Addr: "127.0.0.1:0", TLS: server})
	if err != nil {
		t.Fatal(err)
	}
	held, release := make(chan transport.Conn), make(chan struct{})
	ended := make(chan error, 1)
	dial := func() {
		t.Helper()
		c, err := transport.DialTCP(t.Context(), l.Addr().String(), client)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.CloseWithCode(0, "") })
	}
	dial()
	go func() {
		ended <- l.(transport.Direct).Each(context.Background(), func(c transport.Conn) {
			held <- c
			<-release
			_ = c.CloseWithCode(0, "")
		})
	}()
	<-held
	for range 3 {
		dial()
		<-held
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-ended:
		t.Fatalf("Each ended with %v while connections are held", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(release)
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Each ended with %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := l.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}
