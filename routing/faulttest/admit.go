package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing/devices"
)

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
