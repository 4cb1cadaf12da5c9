package transport

import (
	"runtime"
	"testing"
	"time"
)

// A stint tells the time in which its thread had no processor.
func TestStint(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	const away = 50 * time.Millisecond
	end := stint()
	for start := time.Now(); time.Since(start) < away; {
		continue
	}
	before := end()
	time.Sleep(away)
	if without := end() - before; without < away*9/10 {
		t.Errorf("%v of %v without a processor", without, away)
	}
	if used := threadCPU(); used <= 0 {
		t.Errorf("the thread has used %v", used)
	}
}
