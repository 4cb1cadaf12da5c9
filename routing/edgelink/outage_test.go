package edgelink

import (
	"testing"
	"time"
)

func TestOutage(t *testing.T) {
	var o outage
	start := time.Unix(1000, 0)
	for _, step := range []struct {
		at           time.Duration
		out          bool
		begun, ended bool
	}{
		{0, true, false, false}, // a start: routers come later
		{9 * time.Second, true, false, false},
		{10 * time.Second, false, false, false},
		{20 * time.Second, true, false, false},
		{31 * time.Second, true, true, false},
		{32 * time.Second, true, false, false},
		{99 * time.Second, false, false, true},
		{100 * time.Second, false, false, false},
	} {
		begun, ended := o.look(step.out, start.Add(step.at))
		if begun != step.begun || ended != step.ended {
			t.Errorf("after %v: begun %v, ended %v", step.at, begun, ended)
		}
	}
}
