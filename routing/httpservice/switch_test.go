package httpservice_test

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// switcher answers each request with 101 and keeps the connection, as a service
// that means ill may.
func switcher(t *testing.T) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
					return
				}
				_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\nContent-Type: text/plain\r\n\r\n")
				_, _ = io.Copy(io.Discard, c) // until the bridge hangs up
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// After a 101 nothing but the body's end ends the reading of the body, not even
// the call's deadline: a call would keep its place, and the router, for ever.
func TestSwitchingProtocols(t *testing.T) {
	e := start(t, map[string]string{"orders": switcher(t)}, nil)
	if _, err := e.callFor(t, "orders", "list", "", 3*time.Second); status(err) != wire.StatusInternal {
		t.Errorf("the device is told %v", err)
	}
	stopped := make(chan struct{})
	go func() {
		e.stop()
		close(stopped)
	}()
	select {
	case <-stopped:
	case <-time.After(time.Minute):
		t.Fatal("the bridge does not end")
	}
}
