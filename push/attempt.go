package push

import (
	"context"
	"time"
)

// attempt asks whether a push still is needed, sends it and settles the job
// by the provider's answer.
func (w *Worker) attempt(ctx context.Context, q *appQueue, h *held, rec Record) {
	if w.ending() {
		w.retry(h, outcomeStopped, 0)
		return
	}
	if left := q.pausedFor(time.Now()); left > 0 {
		w.wait(h, outcomePaused, "application paused", spread(left))
		return
	}
	asked := time.Now()
	if !w.needed(ctx, h) {
		return
	}
	m, version, ok := w.compose(ctx, h, rec)
	if !ok {
		return
	}
	if !w.mine(ctx, h, asked) {
		return
	}
	w.settle(ctx, q, h, rec, version, w.send(ctx, q, m))
}

// mine asks, as the last thing before a push, whether the job is still this
// worker's and no newer one took its place: of two pushes of a device the older
// one must not come last. It reports false if that settled the job. A device has
// one worker at a time; where it gets another one, what remains is a push that
// was on its way for longer than the new worker waits.
//
// News that come all the time do not put the push off: a worker that gathered
// in vain sends its next job of the device at once.
func (w *Worker) mine(ctx context.Context, h *held, asked time.Time) bool {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StepTimeout)
	defer cancel()
	current, err := h.delivery.Current(ctx)
	switch {
	case err != nil:
		w.log.Warn("queue of push jobs not readable; the push is tried again", "tenant", h.job.Tenant, "error", err)
		w.retrySoon(h, outcomeLookup, "queue not readable")
		return false
	case !current:
		w.drop(h, outcomeTakenOver)
		return false
	case time.Since(asked) > 2*w.cfg.StepTimeout:
		// This process was held up: what it was told about the device is old.
		w.retry(h, outcomeStale, 0)
		return false
	default:
		return true
	}
}

func (w *Worker) send(ctx context.Context, q *appQueue, m Message) Result {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.SendTimeout)
	defer cancel()
	begin := time.Now()
	r := q.provider.Send(ctx, m)
	w.metrics.seconds.WithLabelValues(q.key.Platform).Observe(time.Since(begin).Seconds())
	w.metrics.sends.WithLabelValues(q.key.Platform, r.Verdict.String(), r.Reason).Inc()
	return r
}

func (w *Worker) settle(ctx context.Context, q *appQueue, h *held, rec Record, version int64, r Result) {
	if r.Verdict != PauseApp && r.Verdict != RetryAfter && q.worked() {
		w.log.Info("application sends again", "tenant", q.key.Tenant, "app", q.key.App)
	}
	switch r.Verdict {
	case Delivered:
		w.sawFate(q, rec, accepted, r)
		w.memory.pushedNow(h.key, rec.Token, version)
		w.done(h, outcomePushed)
	case DropToken, SuspectToken:
		w.rejected(ctx, q, h, rec, r)
	case PauseApp:
		w.pause(q, h, r)
	case Dead:
		w.dead(ctx, h, r.Reason)
	default:
		w.wait(h, outcomeRetry, r.Reason, max(spread(r.After), w.memory.theyFailed(h.key, time.Now())))
	}
}

// pause stops an application. Nothing is lost: its jobs wait in the
// stream.
func (w *Worker) pause(q *appQueue, h *held, r Result) {
	wait, first := q.pauseNow(time.Now(), r.After)
	if first {
		w.log.Error("push service refuses an application; its pushes wait",
			"tenant", q.key.Tenant, "platform", q.key.Platform, "app", q.key.App, "reason", r.Reason, "for", wait)
	}
	w.wait(h, outcomePaused, r.Reason, spread(wait))
}
