package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// disturb publishes while it goes through the faults.
func (r *run) disturb(ctx context.Context) {
	faults, _ := r.opts.faults() // checked before
	r.say("publishing %d events a second and %d for one user", r.opts.rate, r.opts.hotRate)
	publishing, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { r.publisher.run(publishing, r.opts.rate, rand.New(rand.NewPCG(r.opts.seed, 1))) })
	if r.opts.hotRate > 0 {
		work.Go(func() { r.publisher.runHot(publishing, r.opts.hotRate) })
	}
	for _, f := range faults {
		if !sleep.For(ctx, r.opts.calm) {
			break
		}
		r.suffer(ctx, f)
	}
	sleep.For(ctx, r.opts.calm)
	cancel()
	work.Wait()
}

// suffer has a fault strike and waits until all is well again.
func (r *run) suffer(ctx context.Context, f fault) {
	p := phase{fault: f.name, from: time.Now()}
	if err := f.strike(ctx, r, &p); err != nil {
		r.book.trouble("%s: %v", f.name, err)
	}
	if p.until.IsZero() {
		p.until = time.Now()
	}
	began := time.Now()
	limit, cancel := context.WithTimeout(ctx, r.opts.heal)
	defer cancel()
	if err := r.heal(limit, p); err != nil && ctx.Err() == nil {
		r.book.trouble("%s: not well after %v: %v", f.name, r.opts.heal, err)
	}
	p.healed = time.Since(began)
	r.book.happened(p)
}

// heal waits until the fleet is complete, every device is connected, and what
// was published has reached every connected one. That is an event of now at
// least: while an election holds up all of them nothing is missing, and the
// next fault would strike in the midst of it.
func (r *run) heal(ctx context.Context, p phase) error {
	if err := r.fleet.waitReady(ctx); err != nil {
		return err
	}
	if p.died {
		if err := r.waitLeft(ctx, p); err != nil {
			return err
		}
	}
	if err := r.waitConnected(ctx); err != nil {
		return err
	}
	for began := time.Now(); !r.book.stores(began); {
		if !sleep.For(ctx, 20*time.Millisecond) {
			return fmt.Errorf("no event is stored: %w", ctx.Err())
		}
	}
	heads := r.book.headsNow()
	for {
		n := r.book.behind(heads, func(p part) bool { return p == connected })
		if n == 0 {
			return nil
		}
		if !sleep.For(ctx, 100*time.Millisecond) {
			return fmt.Errorf("%d connected devices lack something", n)
		}
	}
}

// settle waits until nothing is missing any more, and a moment longer for
// what should not come. It returns how long that took.
func (r *run) settle(ctx context.Context) time.Duration {
	began := time.Now()
	heads := r.book.headsNow()
	everybody := func(part) bool { return true }
	for time.Since(began) < r.opts.settle && sleep.For(ctx, 500*time.Millisecond) {
		if r.book.behind(heads, everybody) == 0 {
			r.say("nothing is missing %v after the last publication", time.Since(began).Round(100*time.Millisecond))
			sleep.For(ctx, 2*time.Second)
			break
		}
	}
	return time.Since(began)
}

// waitLeft waits until every device has noticed that its edge is gone. Over
// QUIC that takes a beat.
func (r *run) waitLeft(ctx context.Context, p phase) error {
	for _, b := range r.book.devices {
		for b.remains(p.edge, p.from) {
			if !sleep.For(ctx, 20*time.Millisecond) {
				return fmt.Errorf("the %s device %s of %s holds on to %s, which is gone: %w", b.part, b.name, b.owner, p.edge, ctx.Err())
			}
		}
	}
	return nil
}
