package transport

import (
	"errors"
	"net"
	"testing"
	"time"
)

// slowEnd is a link whose peer takes its time to end.
type slowEnd struct {
	link
	draining, ended chan struct{}
}

func (*slowEnd) Write(p []byte) (int, error)      { return len(p), nil }
func (*slowEnd) SetReadDeadline(time.Time) error  { return nil }
func (*slowEnd) SetWriteDeadline(time.Time) error { return nil }
func (*slowEnd) closeWrite() error                { return nil }
func (l *slowEnd) finish(uint16, string) error    { return nil }
func (l *slowEnd) drain([]byte) (n int, err error) {
	close(l.draining)
	<-l.ended
	return 0, net.ErrClosed
}

// A Read that comes after CloseWithCode does not wait for the peer's end: on
// QUIC it is made by one of few goroutines that all connections share.
func TestReadDoesNotWaitForTheEnd(t *testing.T) {
	l := &slowEnd{draining: make(chan struct{}), ended: make(chan struct{})}
	gone := make(chan struct{})
	c := &conn{link: l, onClosed: func() { close(gone) }}
	if _, err := c.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	_ = c.CloseWithCode(3000, "")
	<-l.draining
	read := make(chan error, 1)
	go func() {
		_, err := c.Read(make([]byte, 1))
		read <- err
	}()
	select {
	case err := <-read:
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Read: %v", err)
		}
	case <-time.After(10 * time.Second):
		t.Error("Read waits")
	}
	close(l.ended)
	<-gone
}
