package park

import (
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkTick is one tick of the wheel of a million connections with
// heartbeats of minutes: each that the wheel comes by at is found, locked and
// put in again.
func BenchmarkTick(b *testing.B) {
	const conns = 1_000_000
	p := &Poller{wheel: newWheel()}
	sockets := make([]*Socket, conns)
	for i := range sockets {
		sockets[i] = &Socket{poller: p, fd: int32(i), readDue: 1 << 31}
		sockets[i].entry = p.wheel.add(int32(i), 1+rand.Uint32N(wheelSlots-1))
	}
	at := p.wheel.start
	turn := func() {
		at = at.Add(tick)
		p.wheel.turn(at, func(n int32, at uint32) { sockets[n].expire(at) })
	}
	for range wheelSlots {
		turn()
	}
	worst := time.Duration(0)
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		turn()
		worst = max(worst, time.Since(start))
	}
	b.ReportMetric(float64(worst.Microseconds()), "worst-us")
}
