package transport

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// modestSlice is for how long a modest thread would run on if nobody else became
// ready. From Linux 6.12 on, who becomes ready and asks for less at once, as all
// others do, interrupts it; of two with equal slices, the second one waits until
// the first one's is over.
const modestSlice = 20 * time.Millisecond

// manners are how threads are scheduled: as they were when the process was
// started, and while they compute handshakes. Both are free to take for everybody.
type manners struct {
	// Static.
	common, modest unix.SchedAttr
	known          bool // false: leave them as they are
}

func newManners() (m manners) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	own, err := unix.SchedGetAttr(0, 0)
	if err != nil || own.Policy != unix.SCHED_NORMAL {
		return m // an operator has chosen another class
	}
	if unix.SchedSetAttr(0, own, 0) != nil {
		return m // a sandbox forbids it
	}
	m.common, m.modest, m.known = *own, *own, true
	m.modest.Policy = unix.SCHED_BATCH
	m.modest.Runtime = max(own.Runtime, uint64(modestSlice))
	return m
}

// newStint returns how to begin a piece of work that gives way to whatever else
// becomes ready on its processor, in this process and in others: live connections,
// and what is on the way to them. The work stays on its thread; its end, which the
// same goroutine calls, says for how long it could have gone on and had no
// processor.
func newStint() func() (end func() time.Duration) {
	m := newManners()
	return func() func() time.Duration {
		m.begin()
		at, cpu := time.Now(), threadCPU()
		return func() time.Duration {
			took, used := time.Since(at), threadCPU()-cpu
			m.end()
			return max(took-used, 0)
		}
	}
}

func (m *manners) begin() {
	runtime.LockOSThread()
	if m.known {
		take(m.modest)
	}
}

func (m *manners) end() {
	if m.known {
		take(m.common)
	}
	runtime.UnlockOSThread()
}

// take has this thread scheduled like that. It takes a copy, because the call
// writes the size into what it is given.
func take(a unix.SchedAttr) { _ = unix.SchedSetAttr(0, &a, 0) }

// threadCPU is what this thread has had of processors.
func threadCPU() time.Duration {
	var t unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t) // it knows this clock
	return time.Duration(t.Nano())
}
