package transport

import (
	"time"

	"golang.org/x/sys/unix"
)

// stint begins a piece of work. Its end says for how long the thread could have
// gone on and had no processor; nothing where the work has changed threads.
func stint() (end func() time.Duration) {
	thread, at, cpu := unix.Gettid(), time.Now(), threadCPU()
	return func() time.Duration {
		took, used := time.Since(at), threadCPU()-cpu
		if unix.Gettid() != thread {
			return 0
		}
		return max(took-used, 0)
	}
}

// threadCPU is what this thread has had of processors.
func threadCPU() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // it knows this clock
	return time.Duration(t.Nano())
}
