package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/events"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/presence"
	"github.com/hawser-edge/hawser/routing/pushqueue"
	"github.com/hawser-edge/hawser/routing/reach"
)

// pushRole joins the queue of jobs, the worker and the providers.
type pushRole struct {
	// Static after newPushRole.
	log       *slog.Logger
	registry  prometheus.Registerer
	name      string
	nc        *nats.Conn
	nats      *natsWatch
	js        jetstream.JetStream
	listeners readConns
	reach     *reach.Watch
	reader    *inbox.Reader
	providers *providers
	worker    *push.Worker
	records   *records
	clock     *pushClock
	sabotage  sabotage

	// consuming is set while the queue is there, sharing while this process
	// takes part in it.
	consuming, sharing atomic.Bool

	setback setback
}

func newPushRole(p parts) (*pushRole, error) {
	r := &pushRole{log: p.log, registry: p.registry, name: p.cfg.Name, sabotage: sabotageFromEnv()}
	if err := r.open(p); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *pushRole) open(p parts) (err error) {
	if r.nc, r.nats, err = connectNATS(p, config.RolePush); err != nil {
		return err
	}
	if r.js, err = jetstream.New(r.nc); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	if r.listeners, err = connectReads(p, config.RolePush, r.nats); err != nil {
		return err
	}
	r.reach = r.listeners.watchReach(r.nc, routing.PushBeatSubject(p.cfg.Name), nil, r.nats, p.log)
	if r.reader, err = inbox.NewReader(inbox.Config{Conns: []*nats.Conn{r.nc}, Catalog: p.catalog}); err != nil {
		return err
	}
	if r.providers, err = newProviders(p); err != nil {
		return err
	}
	r.records, r.clock = &records{}, newPushClock(p, r.js)
	r.worker, err = push.NewWorker(push.Config{
		Presence: checks{presence.New(r.nc, p.cfg.Name)},
		Records:  r.records,
		Heads:    heads{r.reader},
		Events:   events.New(r.js, "/hawser/push/"+p.cfg.Name),
		Policy:   pushPolicy(p.catalog),
		Apps:     r.providers.apps, Removals: r.providers.removals,
		ConfirmGone: p.cfg.Push.ConfirmRemoval, ConfirmSuspect: 10 * p.cfg.Push.ConfirmRemoval,
		Gather: p.cfg.Push.Gather,
		Log:    p.log, Registerer: p.registry,
	})
	return err
}

func (r *pushRole) run(ctx context.Context) error {
	err := await(ctx, r.log, r.nc, &r.setback, "the bucket of device records", func(ctx context.Context) error {
		store, err := openDevices(ctx, r.js)
		r.records.store = store
		return err
	})
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(r.worker.Run(ctx)) })
	group.Go(func() error { return ended(r.reach.Run(ctx)) })
	group.Go(func() error { return r.providers.run(ctx, r.worker.Renewed) })
	group.Go(func() error { r.listeners.run(ctx); return nil })
	group.Go(func() error { r.clock.run(ctx); return nil })
	group.Go(func() error {
		r.consuming.Store(true)
		defer r.consuming.Store(false)
		cfg := pushqueue.ConsumeConfig{Name: r.name, Ready: r.sharing.Store, Log: r.log, Registerer: r.registry}
		return ended(pushqueue.Consume(ctx, r.js, cfg, r.handle))
	})
	return group.Wait()
}

func openDevices(ctx context.Context, js jetstream.JetStream) (*devices.Store, error) {
	ctx, cancel := context.WithTimeout(ctx, awaitAnswer)
	defer cancel()
	return devices.Open(ctx, js)
}

func (r *pushRole) handle(d *pushqueue.Delivery) {
	if drop := r.sabotage.dropPush; drop != nil && drop() {
		d.Done()
		return
	}
	if early := r.sabotage.earlyPush; early != nil && early() {
		d.Done()
		r.worker.Handle(push.Job(d.Job), calledDone{})
		return
	}
	r.worker.Handle(push.Job(d.Job), d)
}

// calledDone is the delivery of a job that was called done before its push was
// made: a worker that works so loses pushes when it dies.
type calledDone struct{}

func (calledDone) Current(context.Context) (bool, error) { return true, nil }
func (calledDone) Done()                                 {}
func (calledDone) Retry(time.Duration)                   {}
func (calledDone) Hold(time.Time, int, string, string)   {}
func (calledDone) Postpone(time.Time) func()             { return func() {} }
func (calledDone) Dead(string, string)                   {}
func (calledDone) Drop()                                 {}

func (r *pushRole) watch() *natsWatch { return r.nats }

// drain has nothing to hand over: what is in hand returns to the queue when
// run ends.
func (r *pushRole) drain(context.Context) error { return nil }

var (
	errNoQueue = errors.New("the queue of push jobs, which a router makes, is not there yet")
	errAlone   = errors.New("this process and other push processes do not hear one another: it has begun just now, NATS is away, or accounts.conf is older than hawser")
)

func (r *pushRole) checks() []admin.Check {
	return []admin.Check{r.nats.check(), {Name: "push", Note: r.note, Ready: func(context.Context) error {
		if !r.consuming.Load() {
			return r.setback.explain(errNoQueue)
		}
		if !r.sharing.Load() {
			return errAlone
		}
		return nil
	}}}
}

// note says what needs an operator: applications, and the clock.
func (r *pushRole) note() string {
	var notes []string
	if w := r.clock.words(); w != "" {
		notes = append(notes, w)
	}
	for _, k := range r.worker.Frozen() {
		notes = append(notes, fmt.Sprintf("too many tokens of %s (%s, tenant %s) are rejected: none is removed", k.App, k.Platform, k.Tenant))
	}
	for k, reason := range r.worker.Stopped() {
		notes = append(notes, fmt.Sprintf("nothing is sent to %s (%s, tenant %s) for now: %s", k.App, k.Platform, k.Tenant, reason))
	}
	for _, c := range r.providers.credentials {
		if c.unused.Load() {
			notes = append(notes, fmt.Sprintf("the changed credential of %s (%s, tenant %s) is not used", c.app.App, c.app.Provider, c.app.Tenant))
		}
	}
	slices.Sort(notes)
	return strings.Join(notes, "; ")
}

func (r *pushRole) close() {
	if r.providers != nil {
		r.providers.close()
	}
	if r.reader != nil {
		_ = r.reader.Close()
	}
	r.listeners.close()
	if r.nc != nil {
		r.nc.Close()
	}
}
