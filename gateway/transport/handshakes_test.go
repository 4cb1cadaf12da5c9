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
			h.done(s, false)
			h.end(s)
		}
		if d := h.delay(20); d < 99*time.Millisecond || d > 100*time.Millisecond {
			t.Errorf("%v after handshakes of 100 ms, one now and then", d)
		}
		for range 200 { // two at once, and others wait
			for range 2 {
				s := h.begin(nil)
				s.began = s.began.Add(-50 * time.Millisecond)
				time.Sleep(50 * time.Millisecond)
				h.done(s, true)
				h.end(s)
			}
		}
		if d := h.delay(20); d < 1089*time.Millisecond || d > 1100*time.Millisecond {
			t.Errorf("%v where 20 wait for one in 50 ms", d)
		}
		time.Sleep(2 * time.Second)
		if d := h.delay(20); d != 0 {
			t.Errorf("%v long after the last", d)
		}
	})
}

// Where there is no room, who is given up is who lets the edge wait, not who
// waits for the edge: a slow one would otherwise finish next to nothing.
func TestWaitingForTheEdgeIsNoReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHandshakes(1)
		s := h.begin(nil) // who is pushed out is closed, which panics
		s.turn.of = newTurns(1, unhindered)
		s.turn.of.get(false) // somebody else computes
		took := make(chan struct{})
		go func() {
			time.Sleep(time.Second) // the first answer
			s.turn.take()
			close(took)
		}()
		for range 5 {
			time.Sleep(2 * time.Second)
			if _, full := h.makeRoom(); !full {
				t.Fatal("there is room")
			}
		}
		s.turn.of.put(0)
		<-took
		// Its client has one second left, in however many pieces.
		for range 9 {
			s.turn.rest()
			time.Sleep(100 * time.Millisecond)
			s.turn.take()
		}
		s.turn.rest()
		if wait, full := h.makeRoom(); !full || wait != 100*time.Millisecond {
			t.Errorf("it may take %v more", wait)
		}
		time.Sleep(100 * time.Millisecond)
		defer func() {
			if recover() == nil {
				t.Error("nobody was pushed out")
			}
		}()
		h.makeRoom()
	})
}
