package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"
)

// Latencies are counted in microseconds, from 1 to maxLatency, with three
// digits.
const (
	maxLatency = 10 * time.Minute
	digits     = 3
)

// histogramData is how a histogram travels.
type histogramData = hdrhistogram.Snapshot

// histogram gathers latencies of many goroutines.
type histogram struct {
	mu sync.Mutex
	h  *hdrhistogram.Histogram // Guarded by mu.
}

func newHistogram() *histogram {
	return &histogram{h: hdrhistogram.New(1, maxLatency.Microseconds(), digits)}
}

// record counts one latency. Those beyond the bounds count as the bound.
func (h *histogram) record(d time.Duration) {
	us := min(max(d.Microseconds(), 1), maxLatency.Microseconds())
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = h.h.RecordValue(us) // it is within the bounds
}

func (h *histogram) export() *histogramData {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.h.Export()
}

// merge adds what a worker counted.
func (h *histogram) merge(d *histogramData) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if lost := h.h.Merge(hdrhistogram.Import(d)); lost > 0 {
		return fmt.Errorf("%d latencies do not fit the histogram that they are merged into", lost)
	}
	return nil
}

// quantiles is a histogram as the report has it, in milliseconds.
type quantiles struct {
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
	Count int64   `json:"count"`
}

func (h *histogram) quantiles() quantiles {
	h.mu.Lock()
	defer h.mu.Unlock()
	at := func(q float64) float64 { return float64(h.h.ValueAtQuantile(q)) / 1000 }
	return quantiles{at(50), at(90), at(99), at(99.9), float64(h.h.Max()) / 1000, h.h.TotalCount()}
}

// percentile is a point of a distribution.
type percentile struct {
	at float64 // 0 to 100
	ms float64
}

func (h *histogram) distribution() (all []percentile) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range h.h.CumulativeDistributionWithTicks(5) {
		all = append(all, percentile{b.Quantile, float64(b.ValueAt) / 1000})
	}
	return all
}

// histograms by group.
type histograms struct {
	mu sync.Mutex
	by map[string]*histogram // Guarded by mu.
}

func newHistograms() *histograms { return &histograms{by: map[string]*histogram{}} }

// of returns the histogram of a group, new if need be.
func (s *histograms) of(group string) *histogram {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.by[group] == nil {
		s.by[group] = newHistogram()
	}
	return s.by[group]
}

func (s *histograms) export() map[string]*histogramData {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]*histogramData{}
	for group, h := range s.by {
		all[group] = h.export()
	}
	return all
}

func (s *histograms) merge(from map[string]*histogramData) error {
	var errs []error
	for group, d := range from {
		errs = append(errs, s.of(group).merge(d))
	}
	return errors.Join(errs...)
}

// percentileTicks is how finely a .hgrm file is divided, as the tools of
// HdrHistogram do it.
const percentileTicks = 5

// write writes a file a group into dir, in milliseconds.
func (s *histograms) write(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("--hgrm: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for group, h := range s.by {
		if err := h.writeFile(filepath.Join(dir, group+".hgrm")); err != nil {
			return fmt.Errorf("--hgrm: %w", err)
		}
	}
	return nil
}

func (h *histogram) writeFile(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	_, err = h.h.PercentilesPrint(f, percentileTicks, 1000)
	return errors.Join(err, f.Close())
}
