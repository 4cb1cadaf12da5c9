package main

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A fault counts unless a process stood still for too long, which by itself is
// none.
func TestStandstill(t *testing.T) {
	fault := errors.New("a notify was lost")
	for _, tt := range []struct {
		still   time.Duration
		fault   error
		excused bool
	}{
		{time.Second, fault, false},
		{time.Second + 1, fault, true},
		{time.Minute, nil, false},
	} {
		s := standstill{allowed: time.Second, say: t.Logf}
		s.note("a phone", tt.still)
		s.note("an edge", tt.still/2)
		got := s.judge(tt.fault)
		if !errors.Is(got, tt.fault) || errors.Is(got, errStoodStill) != tt.excused {
			t.Errorf("after %v, %v is judged as %v", tt.still, tt.fault, got)
		}
	}
}

// Whoever does not answer for a while stands still for that long.
func TestStandstillIsFelt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, stop := context.WithCancel(t.Context())
		s := standstill{allowed: time.Second, say: t.Logf}
		beats := 0
		feel(ctx, 100*time.Millisecond, func() {
			switch beats++; beats {
			case 2:
				time.Sleep(3 * time.Second)
			case 4:
				stop()
			}
		}, func(d time.Duration) { s.note("an edge", d) })
		if still := time.Duration(s.longest.Load()); still != 3*time.Second {
			t.Errorf("3 s were felt as %v", still)
		}
	})
}
