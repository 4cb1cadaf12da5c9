package park

import (
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// BenchmarkTick is one tick of the wheel of a million connections with
// heartbeats of minutes: each that the wheel comes by at is found, locked and
// put in again. Of the ticks that took longest it tells the work from the
// machine: worst-conns is how many connections one came by at, worst-cpu-us the
// time that one ran, worst-us the time that passed meanwhile, also while the
// system ran something else. The three need not be of the same tick.
func BenchmarkTick(b *testing.B) {
	const conns = 1_000_000
	p := &Poller{wheel: newWheel()}
	sockets := make([]*Socket, conns)
	for i := range sockets {
		sockets[i] = &Socket{poller: p, fd: int32(i), readDue: 1 << 31}
		sockets[i].entry = p.wheel.add(int32(i), 1+rand.Uint32N(wheelSlots-1))
	}
	at, looked := p.wheel.start, 0
	turn := func() {
		at, looked = at.Add(tick), 0
		p.wheel.turn(at, func(n int32, at uint32) {
			looked++
			sockets[n].expire(at)
		})
	}
	for range wheelSlots {
		turn()
	}
	runtime.LockOSThread() // the time that it ran is this thread's
	defer runtime.UnlockOSThread()
	var passed, ran time.Duration
	most := 0
	b.ReportAllocs()
	for b.Loop() {
		start, before := time.Now(), threadTime(b)
		turn()
		passed, ran, most = max(passed, time.Since(start)), max(ran, threadTime(b)-before), max(most, looked)
	}
	b.ReportMetric(float64(passed.Microseconds()), "worst-us")
	b.ReportMetric(float64(ran.Microseconds()), "worst-cpu-us")
	b.ReportMetric(float64(most), "worst-conns")
}

// threadTime is for how long the calling thread has run.
func threadTime(b *testing.B) time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		b.Fatal(err)
	}
	return time.Duration(t.Nano())
}
