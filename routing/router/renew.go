package router

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// Where the disks of all NATS servers were full, push jobs may lie in the stream
// that its consumer will never hand out: those that were held, or tried again,
// when it last wrote down what it knew, however old they are. So all that lie
// there are written once more. New ones do not wait for that.

// renewJobs has the jobs in the stream handed out again, whenever that is asked for.
func (r *Router) renewJobs(ctx context.Context, store *pushqueue.Store) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.renewals:
			r.renewAll(ctx, store)
		}
	}
}

// renewAll goes on until all are written that the stream has now.
func (r *Router) renewAll(ctx context.Context, store *pushqueue.Store) {
	began, end, total := time.Now(), uint64(0), 0
	for pause := lookBackPause; ; pause = min(2*pause, lookBackPauseMax) {
		n, err := 0, error(nil)
		if end == 0 {
			end, err = store.End(ctx)
		}
		if err == nil {
			n, err = store.Renew(ctx, end)
		}
		total += n
		r.metrics.renewed.Add(float64(n))
		switch {
		case ctx.Err() != nil:
			r.cfg.Log.Warn("not all push jobs of before the log was away were handed out again: other routers go on with that", "jobs", total)
			return
		case err == nil:
			r.cfg.Log.Info("push jobs of before the log was away are handed out again", "jobs", total, "took_s", time.Since(began).Seconds())
			return
		case n > 0:
			pause = lookBackPause
		}
		r.cfg.Log.Warn("push jobs of before the log was away cannot be handed out again, trying again: is the stream full?", "stream", routing.StreamPush, "jobs", total, "error", err)
		sleep.For(ctx, pause)
	}
}
