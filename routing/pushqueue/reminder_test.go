package pushqueue

import (
	"testing"
	"time"
)

func TestReminder(t *testing.T) {
	var r reminder
	now := time.Unix(1000, 0)
	if r.over() {
		t.Error("trouble that never was is over")
	}
	lines := 0
	for range 150 { // failures, one a second
		if r.due(now) {
			lines++
		}
		now = now.Add(time.Second)
	}
	if lines != 3 {
		t.Errorf("%d lines in 150 s, want 3", lines)
	}
	if !r.over() || r.over() {
		t.Error("the end is to be told once")
	}
	if !r.due(now) {
		t.Error("new trouble is not told at once")
	}
}
