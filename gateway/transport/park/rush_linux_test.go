package park

import (
	"sync/atomic"
	"testing"
)

// What has come while an owner was at work, and is more than is taken at once,
// is shared: the first owner that is called then waits until a second one is,
// on another goroutine.
func TestRushIsShared(t *testing.T) {
	l, p := door(t)
	begun, release := make(chan struct{}), make(chan struct{})
	var rushing atomic.Bool
	var called atomic.Int32
	second := make(chan struct{})
	open := func(read func()) (*owned, func()) {
		o, peer := enter(t, l, p)
		t.Cleanup(func() { _, _ = o.Close(), peer.Close() })
		o.read = func() {
			if rushing.Load() {
				read()
			}
		}
		o.Park()
		o.await(t, Woken)
		return o, func() {
			if _, err := peer.Write([]byte("x")); err != nil {
				t.Error(err)
			}
		}
	}
	_, sendFirst := open(func() { close(begun); <-release })
	var all []*owned
	var send []func()
	for range 3 * maxEvents {
		o, s := open(func() {
			if called.Add(1) == 2 {
				close(second)
			}
			<-second
		})
		all, send = append(all, o), append(send, s)
	}
	rushing.Store(true)
	sendFirst()
	<-begun
	for _, s := range send {
		s()
	}
	close(release)
	for _, o := range all {
		o.await(t, Readable)
	}
}
