package router

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// Where the disks of all NATS servers were full, push jobs may lie in the stream
// that its consumer will never hand out: those that were held, or tried again,
// when it last wrote down what it knew, however old they are. So all that lie
// there are written once more. New ones do not wait for that.

// renewJobs has the jobs in the stream handed out again, whenever that is asked for.
func (r *Router) renewJobs(ctx context.Context) {
	store := pushqueue.NewStore(r.cfg.JS)
	defer store.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.renewals:
			r.renewBefore(ctx, store, time.Now())
		}
	}
}

// renewBefore goes on until all are written that were stored before then.
func (r *Router) renewBefore(ctx context.Context, store *pushqueue.Store, then time.Time) {
	for pause := lookBackPause; ; pause = min(2*pause, lookBackPauseMax) {
		n, err := store.Renew(ctx, then)
		r.metrics.renewed.Add(float64(n))
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			r.cfg.Log.Info("push jobs of before the log was away are handed out again", "jobs", n, "took_s", time.Since(then).Seconds())
			return
		}
		r.cfg.Log.Warn("push jobs of before the log was away cannot be handed out again, trying again", "jobs", n, "error", err)
		sleep.For(ctx, pause)
	}
}
