package reminder

import (
	"testing"
	"time"
)

func TestOneLineAMinute(t *testing.T) {
	var r Reminder
	now := time.Unix(1000, 0)
	if r.Over() {
		t.Error("trouble that never was is over")
	}
	lines := 0
	for range 150 { // failures, one a second
		if r.Due(now) {
			lines++
		}
		now = now.Add(time.Second)
	}
	if lines != 3 {
		t.Errorf("%d lines in 150 s, want 3", lines)
	}
	if !r.Over() || r.Over() {
		t.Error("the end is to be told once")
	}
	if !r.Due(now) {
		t.Error("new trouble is not told at once")
	}
}
