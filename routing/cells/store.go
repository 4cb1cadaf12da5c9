package cells

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/reminder"
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
	// askTime bounds one question to NATS.
	askTime = 5 * time.Second
)

var (
	errLost  = errors.New("the bucket is gone")
	errOther = errors.New("the bucket is another one than before")
	errEnded = errors.New("the watch ended")
	// After it was away NATS may have forgotten the watch, which notices only
	// after some 15 s.
	errAway = errors.New("NATS was away")
)

// store is one generation of the bucket.
type store struct {
	kv     jetstream.KeyValue
	mirror *mirror
}

// follow keeps the mirror until ctx ends.
func (k *Keeper) follow(ctx context.Context) {
	var said reminder.Reminder
	for ctx.Err() == nil {
		err := k.followOnce(ctx)
		if err != nil && ctx.Err() == nil {
			k.metrics.retries.Inc()
			if said.Due(time.Now()) {
				k.log.Warn("the bucket of what edges learned of networks cannot be followed, trying again: edges learn by themselves meanwhile",
					"bucket", routing.BucketCells, "error", err)
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
				if old := k.store.Swap(s); old != nil && old.mirror.generation != s.mirror.generation {
					refilling.Go(func() { k.refill(ctx, s, old.mirror) })
				}
			}
		case now := <-look.C:
			if err := k.look(ctx, &there, now); err != nil {
				return err
			}
		}
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

// open finds the bucket, and makes it where there is none.
func (k *Keeper) open(ctx context.Context) (*store, time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	if err := routing.EnsureCells(ctx, k.cfg.JS, k.cfg.Streams); err != nil {
		return nil, time.Time{}, err
	}
	kv, err := k.cfg.JS.KeyValue(ctx, routing.BucketCells)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("open bucket %s: %w", routing.BucketCells, err)
	}
	at, err := k.created(ctx)
	if err != nil {
		return nil, time.Time{}, err
	}
	return &store{kv: kv, mirror: newMirror(at.UnixNano(), k.cfg.Networks)}, at, nil
}

func (k *Keeper) created(ctx context.Context) (time.Time, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	s, err := k.cfg.JS.Stream(ctx, routing.StreamCells)
	if err != nil {
		return time.Time{}, fmt.Errorf("look up stream %s: %w", routing.StreamCells, err)
	}
	return s.CachedInfo().Created, nil
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

// refill puts back what was in a bucket that was lost. Several routers may do
// so: a cell that is there already stays.
func (k *Keeper) refill(ctx context.Context, s *store, old *mirror) {
	paths, values := old.all()
	k.log.Warn("the bucket of what edges learned of networks was lost: what this router knew of it is put back", "networks", len(paths))
	next := make(chan int)
	var wg sync.WaitGroup
	for range writers {
		wg.Go(func() {
			for i := range next {
				bounded, cancel := context.WithTimeout(ctx, askTime)
				if _, err := s.kv.Create(bounded, routing.CellKey(paths[i].Key()), values[i]); err == nil {
					k.metrics.refilled.Inc()
				}
				cancel()
			}
		})
	}
	for i := range paths {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
}
