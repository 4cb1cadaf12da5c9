package cells

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// askTime bounds one question to NATS.
const askTime = 5 * time.Second

// store is one generation of the bucket.
type store struct {
	kv     jetstream.KeyValue
	mirror *mirror
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
