package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/leak"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
)

// startLimit bounds the time until a fleet runs and its devices are known.
const startLimit = 5 * time.Minute

// readEvery is the pause between two looks at what the providers accepted.
const readEvery = 20 * time.Millisecond

// A run is one set: a fleet, its devices and what happens to it.
type run struct {
	// Static after start.
	opts  options
	say   func(format string, args ...any)
	book  *ledger
	fleet *fleet
	// choices are the seed's. Owned by the goroutine that kills.
	choices *rand.Rand
	// secrets must not be told.
	secrets *leak.Scanner
}

// execute plays a set in a folder of its own, and returns what was seen.
func execute(ctx context.Context, o options, p programs, dir string, say func(format string, args ...any)) (f facts, err error) {
	r := &run{opts: o, say: say, book: newLedger(o.users), choices: rand.New(rand.NewPCG(o.seed, 1))}
	if r.fleet, err = newFleet(dir, p, o, r.book.trouble); err == nil {
		err = r.play(ctx)
	}
	if err == nil {
		f.shownTwice, f.seen = r.shownTwice(), r.seen()
	}
	if stopErr := r.fleet.stop(); err == nil && stopErr != nil {
		r.book.trouble("stop: %v", stopErr)
	}
	if err == nil {
		err = r.scanLogs()
	}
	if err != nil {
		return facts{}, err
	}
	r.book.into(&f)
	f.overlooked = r.overlooked()
	return f, nil
}

func (r *run) play(ctx context.Context) error {
	if err := r.start(ctx); err != nil {
		return err
	}
	nc, err := r.fleet.env.AwaitNATS(ctx, routing.RoleBackend, tenant, program)
	if err != nil {
		return err
	}
	defer nc.Close()
	p := &publisher{
		opts: r.opts, nc: nc, book: r.book, flight: r.flight, choices: rand.New(rand.NewPCG(r.opts.seed, 2)),
	}
	reading, stopReading := context.WithCancel(ctx)
	publishing, stopPublishing := context.WithCancel(ctx)
	var work, publisher sync.WaitGroup
	work.Go(func() {
		for sleep.For(reading, readEvery) {
			r.book.readProviders(r.fleet.env)
		}
	})
	work.Go(func() { r.listen(reading) })
	publisher.Go(func() { p.run(publishing) })
	r.strikes(ctx)
	stopPublishing()
	publisher.Wait()
	r.settle(ctx)
	stopReading()
	work.Wait()
	return ctx.Err()
}

// start starts the fleet and makes the devices known.
func (r *run) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	pace := pushtest.Pace{Accept: upTo(r.opts.accept), Answer: upTo(r.opts.answer)}
	r.fleet.env.APNs.SetPace(pace)
	r.fleet.env.FCM.SetPace(pace)
	if err := r.learnSecrets(); err != nil {
		return err
	}
	if err := r.fleet.startAll(ctx); err != nil {
		return err
	}
	js, end, err := openRecords(ctx, r.fleet.env)
	if err != nil {
		return err
	}
	defer end()
	if err := register(ctx, js, r.opts.users); err != nil {
		return err
	}
	r.say("ready: %d devices, %d kills to come", len(phones())*r.opts.users, r.opts.kills+r.opts.natsKills)
	return nil
}

func upTo(most time.Duration) func() time.Duration {
	return func() time.Duration { return rand.N(most) }
}

// settle waits for what is on its way.
func (r *run) settle(ctx context.Context) {
	r.say("waiting for the pushes of %d kinds of users", r.book.waiting())
	ctx, cancel := context.WithTimeout(ctx, r.opts.settle)
	defer cancel()
	for r.book.waiting() > 0 && sleep.For(ctx, readEvery) {
	}
	// What is pushed twice at the end shall count, too.
	sleep.For(ctx, min(lastLook, r.opts.settle))
	r.book.readProviders(r.fleet.env)
}

// lastLook is longer than a job in the hands of a worker that died needs to come
// back.
const lastLook = 12 * time.Second
