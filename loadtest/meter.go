package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hawser-edge/hawser/gateway/node/devmode"
	"github.com/hawser-edge/hawser/gateway/sleep"
)

// meter measures the edge under test. Without any process it measures
// nothing.
type meter struct {
	// Static after construction.
	fleet *fleet // nil: only pids are known
	pids  []int

	baseRSS    int64
	baseCPU    float64
	baseKernel *kernelMemory // nil: not known
	held       int           // connections, at measure

	steady, collected *int64
	kernel            *int64
	memory            *collected
	cpu               float64

	// What one of them has cost the edge in CPU, in microseconds.
	perConnect, perNotify, perBeat *float64
}

// collected is the answer of an edge's POST /debug/collect.
type collected struct {
	Goroutines int     `json:"goroutines"`
	Heap       int64   `json:"heap_bytes"`
	Stack      int64   `json:"stack_bytes"`
	GCCPU      float64 `json:"gc_cpu_seconds"`
}

func newMeter(f *fleet, pid int) *meter {
	m := &meter{fleet: f}
	switch {
	case f != nil:
		m.pids = f.pids()
	case pid != 0:
		m.pids = []int{pid}
	}
	return m
}

// base measures the edge before any connection.
func (m *meter) base() (err error) {
	if len(m.pids) == 0 {
		return nil
	}
	if m.baseRSS, err = m.rss(); err != nil {
		return err
	}
	m.baseCPU = m.cpuSeconds()
	return nil
}

// kernelBase measures the kernel when everything but the connections is there.
func (m *meter) kernelBase() error {
	if m.fleet == nil {
		return nil
	}
	k, err := readKernel()
	if err == nil {
		m.baseKernel = &k
	}
	return err
}

func (m *meter) rss() (sum int64, err error) {
	for _, pid := range m.pids {
		n, err := devmode.ExactRSS(pid)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// calm waits until the edge has not much more memory than it had, or time is up.
func (m *meter) calm(ctx context.Context, had int64, limit time.Duration) error {
	if len(m.pids) == 0 {
		return nil
	}
	const near = 1.1
	for end := time.Now().Add(limit); time.Now().Before(end); {
		now, err := m.rss()
		if err != nil {
			return err
		}
		if float64(now) < near*float64(had) {
			return nil
		}
		if !sleep.For(ctx, time.Second) {
			return ctx.Err()
		}
	}
	return nil
}

func (m *meter) cpuSeconds() (sum float64) {
	for _, pid := range m.pids {
		sum += devmode.CPUSeconds(pid)
	}
	return sum
}

// each is what each of n has cost, given the CPU seconds before them; nil where
// that cannot be told.
func (m *meter) each(n int, before float64) *float64 {
	if n <= 0 || len(m.pids) == 0 {
		return nil
	}
	us := (m.cpuSeconds() - before) * 1e6 / float64(n)
	return &us
}

// measure measures the edge with its held connections: first as it is, given
// the samples of its steady state, then after a forced collection.
func (m *meter) measure(ctx context.Context, held int, steady []sample) error {
	m.held = held
	if len(m.pids) == 0 {
		return nil
	}
	m.cpu = m.cpuSeconds() - m.baseCPU
	m.steady = medianRSS(steady)
	if m.baseKernel != nil {
		k, err := readKernel()
		if err != nil {
			return err
		}
		// Both ends are on this machine, and cost the kernel the same.
		if grown := k.since(*m.baseKernel) / 2; grown > 0 {
			m.kernel = &grown
		}
	}
	if m.fleet == nil {
		return nil
	}
	if err := m.collect(ctx); err != nil {
		return err
	}
	rss, err := m.rss()
	m.collected = &rss
	return err
}

// collect has every edge collect its garbage.
func (m *meter) collect(ctx context.Context) error {
	m.memory = &collected{}
	for _, e := range m.fleet.edges {
		c, err := collectAt(ctx, "http://"+e.Admin)
		if err != nil {
			return fmt.Errorf("have %s collect its garbage: %w", e.Name, err)
		}
		m.memory.Goroutines += c.Goroutines
		m.memory.Heap += c.Heap
		m.memory.Stack += c.Stack
		m.memory.GCCPU += c.GCCPU
	}
	return nil
}

func collectAt(ctx context.Context, admin string) (c collected, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, admin+"/debug/collect", nil)
	if err != nil {
		return c, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return c, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return c, errors.New(res.Status)
	}
	return c, json.NewDecoder(res.Body).Decode(&c)
}

// medianRSS is that of the last third of the samples: those before are still
// on their way there. Nil without samples.
func medianRSS(samples []sample) *int64 {
	var all []int64
	for _, s := range samples[len(samples)*2/3:] {
		all = append(all, s.rss)
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return &all[len(all)/2]
}

// fill writes the figures into the report.
func (m *meter) fill(s *server, samples []sample) {
	s.Processes = len(m.pids)
	if len(m.pids) == 0 {
		return
	}
	s.BaseRSS, s.CPUSeconds, s.RSS = &m.baseRSS, &m.cpu, m.collected
	s.CPUPerConnect, s.CPUPerNotify, s.CPUPerBeat = m.perConnect, m.perNotify, m.perBeat
	s.RSSPerConn, s.RSSPerConnSteady = m.perConn(m.collected, m.baseRSS), m.perConn(m.steady, m.baseRSS)
	s.KernelPerConn = m.perConn(m.kernel, 0)
	if s.KernelPerConn != nil && s.RSSPerConn != nil {
		total := *s.RSSPerConn + *s.KernelPerConn
		s.TotalPerConn = &total
	}
	if m.memory != nil {
		s.Goroutines, s.GCCPUSeconds = &m.memory.Goroutines, &m.memory.GCCPU
		s.HeapPerConn, s.StackPerConn = m.perConn(&m.memory.Heap, 0), m.perConn(&m.memory.Stack, 0)
	}
	if len(samples) > 0 {
		peak, end := int64(0), samples[len(samples)-1].rss
		for _, p := range samples {
			peak = max(peak, p.rss)
		}
		s.PeakRSS, s.EndRSS = &peak, &end
	}
}

// perConn is what a connection costs above a base.
func (m *meter) perConn(bytes *int64, base int64) *float64 {
	if bytes == nil || m.held == 0 {
		return nil
	}
	v := float64(*bytes-base) / float64(m.held)
	return &v
}
