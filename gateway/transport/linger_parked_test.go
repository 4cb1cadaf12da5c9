//go:build linux && !unparked

package transport

import (
	"testing"
	"time"
)

// A linger ends in time where its end is beyond the greatest number of steps.
func TestLingerOfAnOldListener(t *testing.T) {
	const around = 1 << 32 * lingerStep
	c := &parked{listener: &tcpListener{start: time.Now().Add(time.Minute - around)}}
	c.beginClose(time.Now().Add(2 * time.Minute))
	if c.lingeredLong() {
		t.Error("it ends at once")
	}
	c.listener.start = c.listener.start.Add(-3 * time.Minute)
	if !c.lingeredLong() {
		t.Error("it does not end")
	}
}
