package push

import (
	"context"
	"log/slog"
	"time"
)

// done settles a job for good.
func (w *Worker) done(h *held, outcome string) {
	w.memory.settled(h.key)
	w.resolve(outcome, h.delivery.Done)
	w.finish(h)
}

// drop leaves a job to whoever has it now.
func (w *Worker) drop(h *held, outcome string) {
	w.memory.passedOver(h.key)
	w.resolve(outcome, h.delivery.Drop)
	w.finish(h)
}

// retry sends a job back without counting it as failed.
func (w *Worker) retry(h *held, outcome string, after time.Duration) {
	w.memory.sentBack(h.key, h.job.EventAt)
	w.resolve(outcome, func() { h.delivery.Retry(after) })
	w.finish(h)
}

// retrySoon sends a job back after a failure of our own side, with a wait that
// grows a little.
func (w *Worker) retrySoon(h *held, outcome, reason string) {
	w.wait(h, outcome, reason, w.memory.weFailed(h.key, time.Now()))
}

// retryLater sends a job back that the provider, or the configuration, has no
// place for, with a wait that grows.
func (w *Worker) retryLater(h *held, outcome, reason string) {
	w.wait(h, outcome, reason, w.memory.theyFailed(h.key, time.Now(), theirsMax))
}

// wait sends a job back after the given time, or gives it up if it would be
// too old by then.
func (w *Worker) wait(h *held, outcome, reason string, after time.Duration) {
	until := time.Now().Add(after)
	if w.tooOld(h.job, until) {
		w.giveUp(h, reason)
		return
	}
	w.hold(h, outcome, until, HoldRetry, "", reason)
}

// tooOld reports whether a job's events will be too old for a push by then.
func (w *Worker) tooOld(j Job, by time.Time) bool { return by.Sub(j.latest()) > w.cfg.MaxAge }

func (w *Worker) giveUp(h *held, reason string) {
	w.dead(context.Background(), h, "too old: "+reason)
}

// hold sends a job back that the queue keeps until then.
func (w *Worker) hold(h *held, outcome string, until time.Time, hold int, waitsFor, why string) {
	w.memory.sentBack(h.key, h.job.EventAt)
	w.resolve(outcome, func() { h.delivery.Hold(until, hold, waitsFor, why) })
	w.finish(h)
}

// about is the log of what becomes of one job.
func (w *Worker) about(h *held) *slog.Logger {
	j := h.job
	return w.log.With("tenant", j.Tenant, "user", j.User, "device", j.Device, "kind", j.Kind, "version", j.Version)
}

// dead gives a job up; the backend hears of it first. If it cannot be told
// now the job is given up all the same: the reason is kept with it.
func (w *Worker) dead(ctx context.Context, h *held, reason string) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StepTimeout)
	defer cancel()
	j := h.job
	if err := w.cfg.Events.PushDead(ctx, j.Tenant, j.User, j.Device, j.Kind, j.Version, reason); err != nil {
		w.about(h).Warn("the backend was not told of a push that is given up", "error", err)
	}
	w.about(h).Warn("push given up", "reason", reason)
	w.memory.settled(h.key)
	w.resolve(outcomeDead, func() { h.delivery.Dead(h.app, reason) })
	w.finish(h)
}
