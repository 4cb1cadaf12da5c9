package cells

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing"
)

const (
	// lookEvery is how often it is looked whether the bucket is still there,
	// lostAfter for how long it is missed before it is made anew: NATS servers
	// that start do not know all of their streams at once.
	lookEvery = time.Second
	lostAfter = 5 * time.Second
	// storePause is before another try.
	storePause = time.Second
)

var (
	errLost  = errors.New("the bucket is gone")
	errOther = errors.New("the bucket is another one than before")
	errEnded = errors.New("the watch ended")
	// After it was away NATS may have forgotten the watch, which notices only
	// after some 15 s.
	errAway = errors.New("NATS was away")
)

// follow keeps the mirror until ctx ends.
func (k *Keeper) follow(ctx context.Context) {
	for ctx.Err() == nil {
		err := k.followOnce(ctx)
		if err != nil && ctx.Err() == nil {
			k.metrics.retries.Inc()
			// That NATS was away is told by whoever connects to it.
			if !errors.Is(err, errAway) && k.said.Due(time.Now()) {
				k.log.Warn("the bucket of what edges learned of networks cannot be followed, trying again: edges learn by themselves meanwhile",
					"bucket", routing.BucketCells, "error", routing.Plain(err))
			}
		}
		sleep.For(ctx, storePause)
	}
}

// followOnce follows one generation of the bucket to its end.
func (k *Keeper) followOnce(ctx context.Context) error {
	s, created, err := k.open(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	var refilling sync.WaitGroup
	defer refilling.Wait()
	defer cancel()
	w, err := s.kv.WatchAll(ctx)
	if err != nil {
		return fmt.Errorf("watch bucket %s: %w", routing.BucketCells, err)
	}
	defer func() { _ = w.Stop() }() // fails only where the connection is closed
	look := time.NewTicker(lookEvery)
	defer look.Stop()
	there := presence{created: created, reconnects: k.cfg.Conn.Stats().Reconnects}
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-w.Updates():
			switch {
			case !ok:
				return errEnded
			case e != nil:
				k.heard(s.mirror, e)
			default: // all that was there has been told
				k.adopt(ctx, s, &refilling)
			}
		case now := <-look.C:
			if err := k.look(ctx, &there, now); err != nil {
				return err
			}
		}
	}
}

// adopt makes a generation the one that is asked. What was in another one before
// it, which was lost, is put back.
func (k *Keeper) adopt(ctx context.Context, s *store, refilling *sync.WaitGroup) {
	if k.said.Over() {
		k.log.Info("the bucket of what edges learned of networks is followed again", "bucket", routing.BucketCells)
	}
	old := k.store.Swap(s)
	if old != nil && old.mirror.generation != s.mirror.generation {
		refilling.Go(func() { k.refill(ctx, s, old.mirror) })
	}
}

// presence is what tells that the bucket which is followed is still there.
type presence struct {
	created    time.Time // the bucket's
	reconnects uint64    // of the connection to NATS, when the watch began
	missed     time.Time // since when the bucket is missed; zero: it is there
}

// look returns why the watch is to begin anew, or nil.
func (k *Keeper) look(ctx context.Context, p *presence, now time.Time) error {
	if k.cfg.Conn.Stats().Reconnects != p.reconnects {
		return errAway
	}
	switch at, err := k.created(ctx); {
	case err == nil && !at.Equal(p.created):
		return errOther
	case err == nil:
		p.missed = time.Time{}
	case !errors.Is(err, jetstream.ErrStreamNotFound): // NATS does not say
	case p.missed.IsZero():
		p.missed = now
	case now.Sub(p.missed) >= lostAfter:
		return errLost
	}
	return nil
}

// heard takes in what the watch tells.
func (k *Keeper) heard(m *mirror, e jetstream.KeyValueEntry) {
	network, ok := routing.ParseCellKey(e.Key())
	path, err := heartbeat.ParseKey(network)
	if !ok || err != nil {
		k.metrics.garbage.WithLabelValues(garbageKey).Inc()
		return
	}
	if e.Operation() != jetstream.KeyValuePut {
		m.remove(path, e.Revision())
		return
	}
	if _, err := parseValue(e.Value(), k.cfg.Now()); err != nil {
		k.metrics.garbage.WithLabelValues(garbageValue).Inc()
		return
	}
	m.put(path, held{e.Revision(), e.Value()})
}
