package main

import (
	"testing"
	"time"
)

// A publisher keeps its rate, and does not make up for what a fault held up.
func TestPace(t *testing.T) {
	now := time.Unix(1000, 0)
	p := newPace(100, now)
	// begin counts what is begun by a time, without waiting for anything else.
	begin := func(until time.Time) (n int) {
		for {
			wait := p.wait(now)
			if now = now.Add(max(wait, 0)); !now.Before(until) {
				return n
			}
			n++
		}
	}
	if n := begin(now.Add(10 * time.Second)); n != 1000 {
		t.Errorf("began %d events in 10 s, want 1000", n)
	}
	now = now.Add(time.Minute) // all places were taken
	if n := begin(now.Add(10 * time.Second)); n < 1000 || n > 1030 {
		t.Errorf("began %d events in 10 s after a minute held up, want 1000 and at most 0.2 s more", n)
	}
}
