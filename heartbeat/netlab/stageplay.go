package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// watchEvery is how often a NAT and its phones are looked at.
const watchEvery = time.Second

// A run is some scenes at the same time. Each has a fleet of its own, so that
// nothing is learned from another's NAT, unless they are to be together.
type run struct {
	// Static after newRun.
	opts   options
	fleets []*fleet
	scenes []*scene
	say    func(format string, args ...any)
	began  time.Time
	still  *standstill

	work sync.WaitGroup
	stop context.CancelFunc
}

// firstPort is the first fleet's, portStep how many each has.
const (
	firstPort = 7443
	portStep  = 10
)

// newRun builds the lab and has the phones connected. The caller closes it.
func newRun(ctx context.Context, o options, stderr io.Writer) (r *run, err error) {
	ctx, cancel := context.WithCancel(ctx)
	r = &run{opts: o, stop: cancel, began: time.Now()}
	r.say = func(format string, args ...any) {
		fmt.Fprintf(stderr, "%6.1f s  "+format+"\n", append([]any{time.Since(r.began).Seconds()}, args...)...)
	}
	r.still = &standstill{allowed: scaled(mostStill, o.scale), say: r.say}
	defer func() {
		if err != nil {
			err = errors.Join(err, r.Close())
		}
	}()
	if err := newLab(); err != nil {
		return r, err
	}
	program, err := os.Executable()
	if err != nil {
		return r, fmt.Errorf("find this program: %w", err)
	}
	if err := r.startFleets(ctx); err != nil {
		return r, err
	}
	r.feelAll(ctx)
	so := sceneOptions{homes: o.homes, phones: o.phones, scale: o.scale, program: program}
	for i, s := range o.sorts() {
		c, err := newScene(i+1, s, o.timeouts[i%len(o.timeouts)], r.fleets[i%len(r.fleets)], so, r.still, o.dir)
		if err != nil {
			return r, err
		}
		r.scenes = append(r.scenes, c)
	}
	for _, c := range r.scenes {
		r.work.Go(func() { c.run(ctx, so) })
		r.work.Go(func() { c.watch(ctx, watchEvery) })
	}
	return r, r.still.judge(r.allConnected(ctx))
}

// feelAll looks from now on whether the machine stops this process or an edge.
// The phones' do so themselves.
func (r *run) feelAll(ctx context.Context) {
	every := scaled(pulse, r.opts.scale)
	r.work.Go(func() {
		feel(ctx, every, func() {}, func(d time.Duration) { r.still.note("this lab", d) })
	})
	for i, f := range r.fleets {
		whose := fmt.Sprintf("edge %d", i+1)
		r.work.Go(func() {
			// Whether it is ready is asked for elsewhere.
			feel(ctx, every, func() { _ = f.node.Ready(ctx) }, func(d time.Duration) { r.still.note(whose, d) })
		})
	}
}

func (r *run) startFleets(ctx context.Context) error {
	n := len(r.opts.sorts())
	if r.opts.together {
		n = min(n, 1)
	}
	if n == 0 {
		return fmt.Errorf("%w: no NAT is called %q", errUsage, r.opts.only.String())
	}
	r.fleets = make([]*fleet, n)
	errs := make([]error, n)
	var work sync.WaitGroup
	for i := range n {
		work.Go(func() {
			dir := filepath.Join(r.opts.dir, fmt.Sprintf("fleet-%d", i+1))
			r.fleets[i], errs[i] = newFleet(ctx, filepath.Join(r.opts.dir, programName), dir, firstPort+i*portStep, heartbeats{r.opts.scale, r.opts.probes})
		})
	}
	work.Wait()
	return errors.Join(errs...)
}

// connectWait bounds the start of the phones.
const connectWait = 90 * time.Second

func (r *run) allConnected(ctx context.Context) error {
	want := r.opts.homes * r.opts.phones
	missing := func(c *scene) bool { return c.book.connected() < want }
	if !r.until(ctx, connectWait, func() bool { return !r.any(missing) }) {
		return errors.Join(errors.New("not all phones connected"), r.troubles())
	}
	r.say("%d phones behind %d NATs", want*len(r.scenes), len(r.scenes))
	return nil
}

// until waits for done and reports whether it came to that.
func (r *run) until(ctx context.Context, limit time.Duration, done func() bool) bool {
	end := time.Now().Add(limit)
	for !done() {
		if time.Now().After(end) || !sleep.For(ctx, watchEvery) {
			return false
		}
	}
	return true
}

func (r *run) any(of func(*scene) bool) bool {
	for _, c := range r.scenes {
		if of(c) {
			return true
		}
	}
	return false
}

// allSettled waits until each scene's interval has fitted its NAT for a while.
func (r *run) allSettled(ctx context.Context, limit time.Duration) bool {
	told := map[*scene]bool{}
	next := time.Now().Add(tellEvery)
	return r.until(ctx, limit, func() bool {
		if time.Now().After(next) {
			next = next.Add(tellEvery)
			r.tellRest()
		}
		return !r.any(func(c *scene) bool {
			since := c.settled()
			steady := !since.IsZero() && time.Since(since) >= r.opts.settle
			if steady && !told[c] {
				told[c] = true
				r.say("%v, %v: settled at %.1f s", c.sort, c.limit(), since.Sub(r.began).Seconds())
			}
			return !steady
		})
	})
}

// tellEvery is how often those are told of that do not fit yet.
const tellEvery = 30 * time.Second

func (r *run) tellRest() {
	for _, c := range r.scenes {
		if c.settled().IsZero() {
			r.say("%v, %v: the silence is %.2f of that", c.sort, c.limit(), c.share())
		}
	}
}

func (r *run) enter(s stage) {
	for _, c := range r.scenes {
		c.book.enter(s)
	}
}

func (r *run) troubles() error {
	var errs []error
	for _, c := range r.scenes {
		if err := c.troubles(); err != nil {
			errs = append(errs, fmt.Errorf("%v: %w", c.sort, err))
		}
	}
	return errors.Join(errs...)
}

// Close ends everything.
func (r *run) Close() error {
	r.stop()
	r.work.Wait()
	var errs []error
	for _, c := range r.scenes {
		errs = append(errs, c.nat.Close())
	}
	for _, f := range r.fleets {
		f.Close()
	}
	return errors.Join(errs...)
}
