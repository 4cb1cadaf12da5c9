package main

import (
	"context"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
)

// sample is the run at one moment.
type sample struct {
	at    time.Duration // since the watch began
	held  int
	heard int
	rss   int64   // of all edges
	cpu   float64 // seconds of all edges so far
	phase string
}

// watchEvery is the time between two samples.
const watchEvery = 500 * time.Millisecond

// watch follows the run, for the charts and the steady memory.
type watch struct {
	// Static after construction.
	crew  *crew
	pids  []int
	began time.Time

	mu sync.Mutex
	// Guarded by mu.
	last    Stats
	phase   string
	samples []sample
}

// run takes samples until ctx ends.
func (w *watch) run(ctx context.Context) {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		if s, err := w.crew.stats(ctx); err == nil {
			w.take(s)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (w *watch) take(s Stats) {
	p := sample{at: time.Since(w.began), held: s.Held, heard: s.Heard}
	for _, pid := range w.pids {
		rss, _ := devmode.RSS(pid) // a process that died is told elsewhere
		p.rss += rss
		p.cpu += devmode.CPUSeconds(pid)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	p.phase = w.phase
	w.last = s
	w.samples = append(w.samples, p)
}

// enter begins a phase of the run.
func (w *watch) enter(phase string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.phase = phase
}

// stats are those of the last sample.
func (w *watch) stats() Stats {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.last
}

func (w *watch) all() []sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.samples
}
