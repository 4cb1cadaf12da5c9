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
	"github.com/hawser-edge/hawser/routing/devices"
)

const (
	// startLimit bounds the time until the fleet runs and every device is
	// known.
	startLimit = 3 * time.Minute
)

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

func (r *run) makeDevices(books []*deviceLedger) error {
	phones := r.opts.phones
	for i, b := range books {
		d, err := newDevice(r.fleet, i, b)
		if err != nil {
			return err
		}
		if b.part == connected && phones > 0 && !isHot(b.owner) {
			phones--
			r.phones = append(r.phones, newPhone(d, phones%2 == 0))
			continue
		}
		r.raws[b.part] = append(r.raws[b.part], newRaw(d))
	}
	return nil
}

// admit connects every device once and waits until the fleet has its record.
func (r *run) admit(ctx, present context.Context) error {
	visiting, leave := context.WithCancel(present)
	defer leave()
	var visits sync.WaitGroup
	for _, d := range r.raws[away] {
		visits.Go(func() { d.hold(visiting) })
	}
	for _, p := range []part{silent, connected} {
		for _, d := range r.raws[p] {
			r.devices.Go(func() { d.hold(present) })
		}
	}
	for _, p := range r.phones {
		r.devices.Go(func() { p.run(present) })
	}
	if err := r.waitRecords(ctx); err != nil {
		return err
	}
	leave()
	visits.Wait()
	if err := r.waitConnected(ctx); err != nil {
		return err
	}
	r.say("%d devices are registered, %d of them connected with frames, %d with the SDK, %d silent, %d away",
		len(r.book.devices), len(r.raws[connected]), len(r.phones), len(r.raws[silent]), len(r.raws[away]))
	return nil
}

// waitRecords waits until every push token is on record.
func (r *run) waitRecords(ctx context.Context) error {
	store, err := devices.Open(ctx, r.js)
	if err != nil {
		return err
	}
	for _, b := range r.book.byToken {
		for {
			rec, err := record(ctx, store, b)
			if err == nil && rec.Token == b.token {
				break
			}
			if !sleep.For(ctx, 20*time.Millisecond) {
				return fmt.Errorf("the %s device %s of %s is not on record (connected: %t): %w",
					b.part, b.name, b.owner, b.isConnected(), errors.Join(err, b.whyEnded()))
			}
		}
	}
	return nil
}

// record reads a device's record, once.
func record(ctx context.Context, store *devices.Store, b *deviceLedger) (devices.Record, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), askTimeout)
	defer cancel()
	return store.Record(ctx, b.tenant, b.user, b.name)
}

// waitConnected waits until every device has a connection that shall have
// one.
func (r *run) waitConnected(ctx context.Context) error {
	for _, b := range r.book.devices {
		for b.part != away && !b.isConnected() {
			if !sleep.For(ctx, 20*time.Millisecond) {
				return fmt.Errorf("the %s device %s of %s does not connect: %w", b.part, b.name, b.owner, errors.Join(ctx.Err(), b.whyEnded()))
			}
		}
	}
	return nil
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
