package router

import (
	"testing"

	"github.com/hawser-edge/hawser/routing/dispatch"
)

// Jobs leave in the order in which they came, however many fit at a time.
func TestJobListKeepsTheOrder(t *testing.T) {
	var q jobList
	room := make(chan dispatch.Job, 3*jobBlock/2)
	var added, left int64
	for round := range 8 {
		for range (round + 1) * jobBlock / 2 {
			added++
			q.add(dispatch.Job{Version: added})
		}
		q.offer(room)
		if int64(q.count) != added-left-int64(len(room)) {
			t.Fatalf("%d wait and %d were handed on of %d", q.count, len(room), added-left)
		}
		for len(room) > 0 {
			if left++; (<-room).Version != left {
				t.Fatalf("another job came than number %d", left)
			}
		}
	}
	for q.count > 0 {
		q.offer(room)
		for len(room) > 0 {
			if left++; (<-room).Version != left {
				t.Fatalf("another job came than number %d", left)
			}
		}
	}
	if left != added || len(q.blocks) != 0 {
		t.Errorf("%d of %d jobs left, %d blocks stayed", left, added, len(q.blocks))
	}
}
