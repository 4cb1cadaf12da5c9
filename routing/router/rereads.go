package router

import (
	"context"
	"sync/atomic"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// rereads has the reader of the log catch up whenever that is asked for.
type rereads struct {
	// open counts what was asked for and is not done. One reading does for all
	// that was asked for before it began, and for nothing that came later.
	open atomic.Int64
	// wake has a place while one is to begin. Never closed.
	wake chan struct{}
}

func newRereads() *rereads { return &rereads{wake: make(chan struct{}, 1)} }

// ask may be called from any goroutine.
func (r *rereads) ask() {
	r.open.Add(1)
	select {
	case r.wake <- struct{}{}:
	default: // one is to begin
	}
}

// wanted reports whether something that was asked for is not done.
func (r *rereads) wanted() bool { return r.open.Load() > 0 }

// run calls read, again and again where it fails, whenever that is asked for,
// until ctx ends.
func (r *rereads) run(ctx context.Context, read func(context.Context) error) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.wake:
		}
		asked := r.open.Load()
		for read(ctx) != nil {
			if !sleep.For(ctx, tickEvery) {
				return
			}
		}
		r.open.Add(-asked)
	}
}
