package main

import (
	"context"
	"errors"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// Groups of latencies of a storm.
const (
	groupControl = "notify_control"
	groupStorm   = "storm"
)

// storm: the same load with and without the arrival of everyone else. The
// control comes afterwards, because it burns the CPU that the storm took the
// generator.
func (r *run) storm(ctx context.Context) (err error) {
	if err := r.connect(ctx, 0, r.o.conns, true); err != nil {
		return err
	}
	all := r.o.conns + r.o.storm
	traces := make([][]float64, len(r.crew.hands))
	if r.liveRSS, err = r.meter.rss(); err != nil {
		return err
	}
	start := time.Now().Add(lead)
	r.stormAt = start
	side := beside(
		func() error {
			return r.crew.same(ctx, "Connect", ConnectCall{From: r.o.conns, To: all, Start: start, Patient: true, Group: groupStorm})
		},
		func() error {
			return r.crew.each(func(i int, h *hand) error {
				return h.call(ctx, "Trace", TraceCall{Start: start, For: r.o.duration}, &traces[i])
			})
		})
	if err := errors.Join(r.publishFor(ctx, groupNotify), side()); err != nil {
		return err
	}
	if err := r.comeBack(ctx, all); err != nil {
		return err
	}
	if err := r.hold(ctx, r.o.duration/2); err != nil {
		return err
	}
	if err := r.measure(ctx); err != nil {
		return err
	}
	return r.control(ctx, traces)
}

// control publishes to the live devices alone, while the generator burns what
// it used in the storm.
func (r *run) control(ctx context.Context, traces [][]float64) error {
	all := r.o.conns + r.o.storm
	if err := r.crew.same(ctx, "Dismiss", DismissCall{From: r.o.conns, To: all}); err != nil {
		return err
	}
	// The edge, too, is to be done with those that left.
	if !sleep.For(ctx, dismissPause) {
		return ctx.Err()
	}
	start := time.Now().Add(lead)
	side := beside(func() error {
		return r.crew.all(ctx, "Burn", func(i int) any { return BurnCall{Start: start, Trace: traces[i]} })
	})
	if err := errors.Join(r.publishFor(ctx, groupControl), side()); err != nil {
		return err
	}
	r.n.say("waiting for the edge to give memory back")
	return r.meter.calm(ctx, r.liveRSS, min(2*r.o.duration, calmLimit))
}

// calmLimit bounds the wait until the edge has given memory back, as twice the
// duration does: it tidies up when it has been calm for a while.
const calmLimit = 3 * time.Minute

// dismissPause is how long an edge takes to see that devices are gone, and
// some more.
const dismissPause = 5 * time.Second

// beside runs functions in the background; the answer waits for them.
func beside(work ...func() error) func() error {
	done := make(chan error, len(work))
	for _, f := range work {
		go func() { done <- f() }()
	}
	return func() error {
		var errs []error
		for range work {
			errs = append(errs, <-done)
		}
		return errors.Join(errs...)
	}
}
