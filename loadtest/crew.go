package main

import (
	"context"
	"errors"
	"sync"
	"time"
)

// crew is all workers.
type crew struct {
	// Static after startCrew.
	hands []*hand
}

// startCrew starts the workers and tells them the plan. The caller calls stop,
// also after an error.
func startCrew(ctx context.Context, dir string, o options, p Plan) (*crew, error) {
	c := &crew{}
	p.Workers = o.workers
	if p.Workers == 0 {
		conns := p.Conns
		if o.bare && o.command == notify {
			conns *= 3 // those of each side
		}
		p.Workers = workersFor(conns)
	}
	if o.command == storm {
		p.Live, p.LiveWorkers = o.conns, workersFor(o.conns)
		if o.workers == 0 {
			p.Workers = p.LiveWorkers + workersFor(o.storm)
		}
		p.LiveWorkers = min(p.LiveWorkers, p.Workers-1)
	}
	for i := range p.Workers {
		h, err := startWorker(dir, i, o)
		if err != nil {
			return c, err
		}
		c.hands = append(c.hands, h)
	}
	return c, c.all(ctx, "Prepare", func(i int) any {
		mine := p
		mine.Number = i
		return mine
	})
}

// A worker leaves some descriptors for other things than connections, and
// holds no more of these than one process of Go does with ease.
const (
	spareDescriptors = 1500
	connsAWorker     = 12_000
)

// workersFor is how many processes hold so many connections.
func workersFor(conns int) int {
	each := min(connsAWorker, max(descriptors()-spareDescriptors, 100))
	return (conns + each - 1) / each
}

// edgesFor is how many processes of an edge hold so many connections over TCP.
// An edge uses nine tenths of what it has, and the system spreads connections
// at random.
func edgesFor(conns int) int {
	each := max(descriptors()-spareDescriptors, 100) * 85 / 100
	return (conns + each - 1) / each
}

// all asks every worker at the same time.
func (c *crew) all(ctx context.Context, method string, arg func(i int) any) error {
	return c.each(func(i int, h *hand) error { return h.call(ctx, method, arg(i), &Nothing{}) })
}

// same is all with one argument for all.
func (c *crew) same(ctx context.Context, method string, arg any) error {
	return c.all(ctx, method, func(int) any { return arg })
}

func (c *crew) each(do func(i int, h *hand) error) error {
	errs := make([]error, len(c.hands))
	var wg sync.WaitGroup
	for i, h := range c.hands {
		wg.Go(func() { errs[i] = do(i, h) })
	}
	wg.Wait()
	return errors.Join(errs...)
}

// stats are the sums of all workers.
func (c *crew) stats(ctx context.Context) (sum Stats, err error) {
	var mu sync.Mutex
	err = c.each(func(_ int, h *hand) error {
		var s Stats
		if err := h.call(ctx, "Stats", Nothing{}, &s); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sum.add(s)
		return nil
	})
	return sum, err
}

// visit has devices come and go, and returns how many were served.
func (c *crew) visit(ctx context.Context, v VisitCall) (served int, err error) {
	var mu sync.Mutex
	err = c.each(func(_ int, h *hand) error {
		var n int
		err := h.call(ctx, "Visit", v, &n)
		mu.Lock()
		defer mu.Unlock()
		served += n
		return err
	})
	return served, err
}

// settle waits until what was published is heard, at most for limit.
func (c *crew) settle(ctx context.Context, limit time.Duration) error {
	return c.each(func(_ int, h *hand) error {
		var all bool // the check of the versions tells the same
		return h.call(ctx, "Settle", limit, &all)
	})
}

// results gathers what the workers have; histograms are merged into to.
func (c *crew) results(ctx context.Context, to *histograms) (sum Result, err error) {
	sum.TLS = map[negotiated]int{}
	var mu sync.Mutex
	err = c.each(func(_ int, h *hand) error {
		var r Result
		if err := h.call(ctx, "Result", Nothing{}, &r); err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		sum.Stats.add(r.Stats)
		sum.Slots.add(r.Slots)
		sum.CPUSeconds += r.CPUSeconds
		sum.RSS += r.RSS
		for k, n := range r.TLS {
			sum.TLS[k] += n
		}
		return to.merge(r.Latencies)
	})
	return sum, err
}

// leaveLimit bounds the end of all connections.
const leaveLimit = 30 * time.Second

// stop ends all connections, then the workers.
func (c *crew) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	_ = c.same(ctx, "Leave", Nothing{}) // whoever does not is killed
	for _, h := range c.hands {
		_ = h.client.Close()
	}
	for _, h := range c.hands {
		h.await(ctx)
	}
}
