package admission

import (
	"context"
	"runtime"
	"runtime/metrics"
	"time"
)

const (
	// perProcessor is how many devices a processor lets in a second when it is
	// not asked to spare itself: a third of what it can.
	perProcessor = 500
	// rateEvery is how often the rate is looked at.
	rateEvery = 100 * time.Millisecond
	// late is how long what is ready may wait for a processor, at its hundredth
	// worst, before devices that come get less.
	late = 10 * time.Millisecond
	// slower and faster are by how much the rate changes at once, least is its
	// least part of the ceiling: also a machine that is busy with other things
	// lets devices in.
	slower, faster = 0.85, 1.03
	least          = 0.25
)

func defaultCeiling() float64 { return perProcessor * float64(runtime.GOMAXPROCS(0)) }

// Run follows the load of the process until ctx ends: the longer what is ready
// waits for a processor, the fewer devices are let in.
func (g *Gate) Run(ctx context.Context) {
	waits := newWaits()
	ticker := time.NewTicker(rateEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			g.adapt(waits.worst())
		case <-ctx.Done():
			return
		}
	}
}

// adapt changes the rate by how long something has waited.
func (g *Gate) adapt(wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if wait > late {
		g.rate = max(g.rate*slower, g.ceiling*least)
		return
	}
	g.rate = min(g.rate*faster, g.ceiling)
}

// waits are those of goroutines for a processor, as the runtime counts them.
type waits struct {
	sample []metrics.Sample
	before []uint64
}

func newWaits() *waits {
	w := &waits{sample: []metrics.Sample{{Name: "/sched/latencies:seconds"}}}
	w.worst()
	return w
}

// worst is the 99th percentile since the last call.
func (w *waits) worst() time.Duration {
	metrics.Read(w.sample)
	if w.sample[0].Value.Kind() != metrics.KindFloat64Histogram {
		return 0
	}
	h := w.sample[0].Value.Float64Histogram()
	since := make([]uint64, len(h.Counts))
	total := uint64(0)
	for i, n := range h.Counts {
		since[i] = n
		if w.before != nil {
			since[i] -= w.before[i]
		}
		total += since[i]
	}
	w.before = append(w.before[:0], h.Counts...)
	return time.Duration(percentile(since, h.Buckets, total-total/100) * float64(time.Second))
}

// percentile is the lower bound of the bucket that holds the n-th value.
func percentile(counts []uint64, bounds []float64, n uint64) float64 {
	sum := uint64(0)
	for i, c := range counts {
		if sum += c; sum >= n && n > 0 {
			return max(bounds[i], 0)
		}
	}
	return 0
}
