package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
)

// startLimit bounds the time until the fleet runs and every device is known.
const startLimit = 90 * time.Second

// A run is one fleet with its devices and what happens to it.
type run struct {
	// Static after start.
	opts  options
	seed  uint64
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
}

// execute runs the whole thing once. The report says what was found; the
// error says why there is none. say receives a line about each stage.
func execute(ctx context.Context, o options, say func(format string, args ...any)) (report, error) {
	if err := o.check(); err != nil {
		return report{}, err
	}
	dir, err := os.MkdirTemp("", "hawser-faults-")
	if err != nil {
		return report{}, fmt.Errorf("make a folder for the run: %w", err)
	}
	r := &run{opts: o, seed: o.seed, say: say, raws: map[part][]*raw{}}
	for r.seed == 0 {
		r.seed = rand.Uint64()
	}
	rep, err := r.play(ctx, dir)
	if err == nil && rep.holds() && !o.keep {
		return rep, os.RemoveAll(dir)
	}
	rep.Logs = dir
	return rep, err
}

func (r *run) play(ctx context.Context, dir string) (rep report, err error) {
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
	if err := r.start(ctx, present, dir); err != nil {
		return report{}, err
	}
	began := time.Now()
	kills := r.disturb(ctx)
	settled := r.settle(ctx)
	if ctx.Err() != nil {
		return report{}, ctx.Err()
	}
	rep = r.report(kills)
	rep.Published, rep.Settled = time.Since(began)-settled, settled
	return rep, nil
}

func (r *run) start(ctx, present context.Context, dir string) error {
	limit, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	books := newBooks(r.opts.users)
	r.book = newLedger(books)
	r.say("building hawser and the NATS server")
	p, err := buildPrograms(limit, dir)
	if err != nil {
		return err
	}
	if r.fleet, err = newFleet(ctx, dir, p, r.book); err != nil {
		return err
	}
	if err := r.connect(limit); err != nil {
		return err
	}
	r.fleet.run(ctx)
	if err := r.fleet.waitReady(limit); err != nil {
		return err
	}
	r.say("the fleet is ready: NATS, two edges, two routers, push beside %s; logs in %s", router1, dir)
	if err := r.makeDevices(books); err != nil {
		return err
	}
	r.devices.Go(func() { r.readProviders(present) })
	return r.admit(limit, present)
}

// connect opens the harness's own connections to NATS: a backend's, to
// publish, and a router's, to read device records.
func (r *run) connect(ctx context.Context) error {
	backend, err := connectNATS(ctx, r.fleet.env, routing.RoleBackend, tenant)
	if err != nil {
		return err
	}
	auditor, err := connectNATS(ctx, r.fleet.env, routing.RoleRouter, router2)
	if err != nil {
		backend.Close()
		return err
	}
	r.nats = []*nats.Conn{backend, auditor}
	if r.js, err = jetstream.New(auditor); err != nil {
		return fmt.Errorf("read JetStream: %w", err)
	}
	key, err := r.fleet.env.APIKey(tenant)
	if err != nil {
		return err
	}
	doors := []door{&natsDoor{backend}}
	for _, name := range []string{router1, router2} {
		doors = append(doors, &httpDoor{
			router: name, key: key, url: "http://" + r.fleet.nodes[name].API + "/hawser.v1.Publisher/Notify",
			client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		})
	}
	r.publisher = newPublisher(doors, r.opts.users, r.book)
	return nil
}

func (r *run) makeDevices(books []*deviceLedger) error {
	for i, b := range books {
		d, err := newDevice(r.fleet, i/3, b)
		if err != nil {
			return err
		}
		if b.part == connected {
			r.phones = append(r.phones, newPhone(d, r.opts.transport))
		} else {
			r.raws[b.part] = append(r.raws[b.part], &raw{device: d})
		}
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
	for _, d := range r.raws[silent] {
		r.devices.Go(func() { d.hold(present) })
	}
	for _, p := range r.phones {
		r.devices.Go(func() { p.run(present) })
	}
	if err := r.waitRecords(ctx); err != nil {
		return err
	}
	for _, p := range r.phones {
		if err := p.waitConnected(ctx); err != nil {
			return err
		}
	}
	leave()
	visits.Wait()
	r.say("%d devices are registered: of each user one connected, one silent, one away", len(r.book.devices))
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
			rec, err := store.Record(ctx, tenant, b.user, string(b.part))
			if err == nil && rec.Token == b.token {
				break
			}
			if !pause(ctx, 20*time.Millisecond) {
				return fmt.Errorf("the %s device of %s is not on record: %w", b.part, b.user, ctx.Err())
			}
		}
	}
	return nil
}

// readProviders takes what the simulators received, until ctx ends.
func (r *run) readProviders(ctx context.Context) {
	for pause(ctx, 50*time.Millisecond) {
		for _, take := range []func() []pushtest.Notification{r.fleet.env.APNs.Take, r.fleet.env.FCM.Take} {
			for _, n := range take() {
				r.book.pushed(n)
			}
		}
	}
}

// disturb publishes and kills, and returns how many were killed.
func (r *run) disturb(ctx context.Context) (kills int) {
	r.say("publishing %d events a second for %v, fault %s every %v; seed %d",
		r.opts.rate, r.opts.publishFor(), r.opts.fault, r.opts.killEvery, r.seed)
	publishing, cancel := context.WithTimeout(ctx, r.opts.publishFor())
	defer cancel()
	var work sync.WaitGroup
	work.Go(func() { r.publisher.run(publishing, r.opts.rate, rand.New(rand.NewPCG(r.seed, 1))) })
	victims := plan(r.opts.fault, r.opts.kills, rand.New(rand.NewPCG(r.seed, 2)))
	kills = killAll(ctx, victims, r.opts.killEvery, r.fleet.kill)
	work.Wait()
	return kills
}

// settle waits until nothing is missing any more, and a moment longer for
// what should not come. It returns how long that took.
func (r *run) settle(ctx context.Context) time.Duration {
	began := time.Now()
	for time.Since(began) < r.opts.settle && pause(ctx, 500*time.Millisecond) {
		if v := judge(r.facts()); v.Lost == 0 {
			r.say("nothing is missing %v after the last publication", time.Since(began).Round(100*time.Millisecond))
			pause(ctx, 2*time.Second)
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
	return r.fleet.stop()
}
