package transport

import (
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A stint tells the time in which its thread had no processor.
func TestStint(t *testing.T) {
	const away = 50 * time.Millisecond
	end := newStint()()
	for start := time.Now(); time.Since(start) < away; {
		continue
	}
	time.Sleep(away)
	if without := end(); without < away*9/10 {
		t.Errorf("%v of at least %v without a processor", without, away)
	}
	if used := threadCPU(); used <= 0 {
		t.Errorf("the thread has used %v", used)
	}
}

// A thread gives way as long as a stint lasts, and is as it was afterwards.
func TestStintGivesWay(t *testing.T) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	attr := func() unix.SchedAttr {
		t.Helper()
		a, err := unix.SchedGetAttr(0, 0)
		if err != nil {
			t.Fatal(err)
		}
		return *a
	}
	before := attr()
	if before.Policy != unix.SCHED_NORMAL {
		t.Skipf("the test runs in another class, %d", before.Policy)
	}
	end := newStint()()
	if during := attr(); during.Policy != unix.SCHED_BATCH || during.Nice != before.Nice {
		t.Errorf("%+v during a stint", during)
	}
	end()
	if after := attr(); after != before {
		t.Errorf("%+v after a stint, %+v before", after, before)
	}
}
