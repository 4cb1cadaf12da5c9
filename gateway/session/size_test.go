package session

import (
	"testing"
	"unsafe"
)

// A session is made for each of a million devices: Go hands out 224 bytes, and
// then 240.
func TestSessionIsSmall(t *testing.T) {
	if size := unsafe.Sizeof(session{}); size > 224 {
		t.Errorf("a session has %d bytes", size)
	}
}
