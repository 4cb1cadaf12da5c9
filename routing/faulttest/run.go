package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
)

// startLimit bounds the time until the fleet runs and every device is known.
const startLimit = 3 * time.Minute

// A run is one fleet with its devices and what happens to it.
type run struct {
	// Static after start.
	opts  options
	say   func(format string, args ...any)
	book  *ledger
	fleet *fleet
	nats  []*nats.Conn // to be closed
	js    jetstream.JetStream

	phones []*phone
	raws   map[part][]*raw

	publisher *publisher
	// devices are the goroutines of the devices and of the providers' reader.
	devices sync.WaitGroup

	// choices are the seed's. Owned by the goroutine that goes through the
	// faults.
	choices *rand.Rand
}

// execute runs the whole thing once, in the folder of the options. The report
// says what was found; the error says why there is none. say receives a line
// about each stage.
func execute(ctx context.Context, o options, say func(format string, args ...any)) (rep report, err error) {
	r := &run{opts: o, say: say, raws: map[part][]*raw{}, choices: rand.New(rand.NewPCG(o.seed, 2))}
	ctx, cancel := context.WithCancel(ctx)
	// The devices leave first: an edge that drains waits for them.
	present, leave := context.WithCancel(ctx)
	defer func() {
		leave()
		r.devices.Wait()
		cancel()
		if stopErr := r.stop(); err == nil && stopErr != nil {
			rep.Troubles = append(rep.Troubles, "stop: "+stopErr.Error())
		}
	}()
	if err := r.start(ctx, present); err != nil {
		return report{}, err
	}
	began := time.Now()
	r.disturb(ctx)
	published := time.Since(began)
	r.say("waiting for what is on its way")
	settled := r.settle(ctx)
	if ctx.Err() != nil {
		return report{}, ctx.Err()
	}
	if err := r.fleet.keepPages(ctx); err != nil {
		return report{}, err
	}
	rep = r.report()
	rep.Published, rep.Settled = published, settled
	rep.Traces = r.traces(ctx, rep.losses)
	return rep, nil
}

func (r *run) start(ctx, present context.Context) error {
	limit, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	books := newBooks(r.opts.users)
	r.book = newLedger(books)
	where, err := r.newPlace()
	if err != nil {
		return err
	}
	programs := programsIn(filepath.Dir(r.opts.dir), r.opts.wrongClocks())
	if r.fleet, err = newFleet(r.opts.dir, programs, where, r.book); err != nil {
		return err
	}
	r.fleet.sabotage = r.opts.sabotage
	r.fleet.run(ctx)
	if err := r.connect(limit); err != nil {
		return err
	}
	if err := r.fleet.waitReady(limit); err != nil {
		return err
	}
	r.say("the fleet is ready: 3 NATS servers, 2 edges, 2 routers, 2 push workers")
	if err := r.makeDevices(books); err != nil {
		return err
	}
	r.devices.Go(func() { r.readProviders(present) })
	return r.admit(limit, present)
}

func (r *run) newPlace() (place, error) {
	if r.opts.loopback {
		return newLoopback(r.opts.dir, allMembers())
	}
	return newSpaces(r.opts.dir, allMembers())
}

// connect opens the harness's own connections to NATS: one a tenant, to
// publish as its backend, and a router's, to read device records.
func (r *run) connect(ctx context.Context) error {
	auditor, err := r.fleet.env.AwaitNATS(ctx, routing.RoleRouter, router2, program)
	if err != nil {
		return err
	}
	r.nats = append(r.nats, auditor)
	if r.js, err = jetstream.New(auditor); err != nil {
		return fmt.Errorf("read JetStream: %w", err)
	}
	doors := map[string][]door{}
	for _, tenant := range tenants() {
		backend, err := r.fleet.env.AwaitNATS(ctx, routing.RoleBackend, tenant, program)
		if err != nil {
			return err
		}
		r.nats = append(r.nats, backend)
		key, err := r.fleet.env.APIKey(tenant)
		if err != nil {
			return err
		}
		doors[tenant] = []door{&natsDoor{backend}}
		for _, name := range membersOf(sortRouter) {
			doors[tenant] = append(doors[tenant], newHTTPDoor(name, r.fleet.nodes[name].API, key))
		}
	}
	r.publisher = newPublisher(doors, r.opts.users, r.book)
	return nil
}

// readProviders takes what the simulators received, until ctx ends.
func (r *run) readProviders(ctx context.Context) {
	for sleep.For(ctx, 50*time.Millisecond) {
		for _, take := range []func() []pushtest.Notification{r.fleet.env.APNs.Take, r.fleet.env.FCM.Take} {
			for _, n := range take() {
				r.book.pushed(n)
			}
		}
	}
}

func (r *run) facts() facts {
	f := r.book.facts()
	f.keep = routing.MinKeep
	return f
}

// stop ends the fleet.
func (r *run) stop() error {
	for _, nc := range r.nats {
		nc.Close()
	}
	if r.fleet == nil {
		return nil
	}
	return errors.Join(r.fleet.stop(), r.fleet.place.Close())
}
