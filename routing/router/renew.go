package router

import (
	"context"
	"log/slog"
	"time"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// Where the disks of all NATS servers were full, push jobs may lie in the stream
// that its consumer will never hand out: those that were held, or tried again,
// when it last wrote down what it knew, however old they are. So all that lie
// there are written once more. New ones do not wait for that.

// renewWithin is the least time after which NATS servers remove from the stream what
// their consumers take for settled (nats-server 2.15.2).
const renewWithin = 2 * time.Minute

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
			r.tellRenewed(total, time.Since(began))
			return
		case n > 0:
			pause = lookBackPause
		}
		r.cfg.Log.Warn("push jobs of before the log was away cannot be handed out again, trying again: is the stream full?", "stream", routing.StreamPush, "jobs", total, "error", err)
		sleep.For(ctx, pause)
	}
}

// tellRenewed tells the operator that all are written, and whether it was in time.
func (r *Router) tellRenewed(jobs int, took time.Duration) {
	level, said := slog.LevelInfo, "push jobs of before the log was away are handed out again"
	if took > renewWithin {
		level, said = slog.LevelWarn, said+", but it took so long that NATS may have removed some before: their devices are not pushed for what they missed, and fetch it when they connect"
	}
	r.cfg.Log.Log(context.Background(), level, said, "jobs", jobs, "took_s", took.Seconds())
}
