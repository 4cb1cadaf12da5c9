package push

import (
	"fmt"
	"testing"
	"time"
)

// Of many devices those are remembered that were seen last.
func TestMemoryIsBounded(t *testing.T) {
	m := newMemory(10)
	device := func(i int) key { return key{"acme", "u1", fmt.Sprint("d", i), "messages"} }
	for i := range 100 {
		m.pushedNow(device(i), "token", 1)
		m.weFailed(device(0), time.Now())
	}
	if len(m.byKey) != 10 || m.order.Len() != 10 {
		t.Fatalf("%d and %d are remembered, want 10", len(m.byKey), m.order.Len())
	}
	for i, want := range map[int]bool{0: true, 1: false, 90: false, 91: true, 99: true} {
		if told := m.told(device(i), "token", 1); told != want {
			t.Errorf("device %d: remembered %v", i, told)
		}
	}
}
