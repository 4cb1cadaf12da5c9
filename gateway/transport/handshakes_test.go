package transport

import (
	"testing"
	"testing/synctest"
	"time"
)

// The delay follows what handshakes take, and what waits before them.
func TestDelay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandshakes(10)
		if d := h.delay(100); d != 0 {
			t.Errorf("%v before any handshake", d)
		}
		for range 200 {
			s := h.begin(nil)
			time.Sleep(100 * time.Millisecond)
			h.done(s)
			h.end(s)
		}
		if d := h.delay(0); d < 99*time.Millisecond || d > 100*time.Millisecond {
			t.Errorf("%v after handshakes of 100 ms", d)
		}
		h.begin(nil)
		h.begin(nil)
		if d := h.delay(20); d < 1089*time.Millisecond || d > 1100*time.Millisecond {
			t.Errorf("%v where 20 wait for 2 at once", d)
		}
		time.Sleep(2 * time.Second)
		if d := h.delay(20); d != 0 {
			t.Errorf("%v long after the last", d)
		}
	})
}
