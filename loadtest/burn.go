package main

import (
	"os"
	"runtime"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// A storm keeps the generator busy as well. The control run without a storm
// uses as much CPU at the same moments, so that the two differ in nothing else
// that the live devices could notice.

// traceEvery is the time between two marks of a trace.
const traceEvery = 100 * time.Millisecond

// trace notes the CPU seconds that this process has used since the start, at
// the end of each traceEvery.
func (w *worker) trace(c TraceCall) (marks []float64) {
	if !sleep.For(w.ctx, time.Until(c.Start)) {
		return nil
	}
	from := devmode.CPUSeconds(os.Getpid())
	for at := traceEvery; at <= c.For; at += traceEvery {
		if !sleep.For(w.ctx, time.Until(c.Start.Add(at))) {
			break
		}
		marks = append(marks, devmode.CPUSeconds(os.Getpid())-from)
	}
	return marks
}

// burn uses CPU until this process has used what the trace says.
func (w *worker) burn(c BurnCall) {
	if !sleep.For(w.ctx, time.Until(c.Start)) {
		return
	}
	from := devmode.CPUSeconds(os.Getpid())
	var wg sync.WaitGroup
	for range runtime.NumCPU() {
		wg.Go(func() {
			for i, mark := range c.Trace {
				spin(c.Start.Add(time.Duration(i+1)*traceEvery), func() bool {
					return devmode.CPUSeconds(os.Getpid())-from < mark
				})
			}
		})
	}
	wg.Wait()
}

// spinFor is how long a core is kept busy between two looks.
const spinFor = 2 * time.Millisecond

// spin keeps a core busy until the instant, while it is wanted.
func spin(until time.Time, wanted func() bool) {
	for {
		now := time.Now()
		if !now.Before(until) {
			return
		}
		if !wanted() {
			time.Sleep(min(until.Sub(now), spinFor))
			continue
		}
		for end := now.Add(spinFor); time.Now().Before(end); {
			continue // the clock is work as good as any
		}
	}
}
