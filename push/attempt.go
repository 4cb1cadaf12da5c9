package push

import (
	"context"
	"time"
)

// probeTimeout bounds an attempt that decides whether an application goes on: a
// service that is back must not be waited for behind one that was lost.
const probeTimeout = 5 * time.Second

// begin makes an attempt for a job that had to wait for its turn. After a long
// wait the device may have another token, or be another user's.
func (w *Worker) begin(ctx context.Context, q *appQueue, t *turn, h *held, rec Record, looked time.Time) {
	if w.ending() {
		w.retry(h, outcomeStopped, 0)
		return
	}
	if t.stopped {
		w.turnedAway(q, h)
		return
	}
	if time.Since(looked) > w.cfg.StepTimeout {
		now, ok := w.lookup(ctx, h)
		if !ok {
			return
		}
		if now.Platform != rec.Platform || now.App != rec.App {
			w.retry(h, outcomeStale, 0)
			return
		}
		rec = now
	}
	w.attempt(ctx, q, t, h, rec)
}

// attempt asks whether a push still is needed, sends it and settles the job
// by the provider's answer.
func (w *Worker) attempt(ctx context.Context, q *appQueue, t *turn, h *held, rec Record) {
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
	r := w.send(ctx, q, t, m)
	w.settle(ctx, q, h, rec, version, r, w.report(q, t, r))
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
		w.about(h).Warn("the queue of push jobs cannot be read; the push is tried again", "error", err)
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

func (w *Worker) send(ctx context.Context, q *appQueue, t *turn, m Message) Result {
	timeout := w.cfg.SendTimeout
	if t.probe {
		timeout = min(timeout, probeTimeout)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	begin := time.Now()
	r := q.provider.Send(ctx, m)
	w.metrics.seconds.WithLabelValues(q.key.Platform).Observe(time.Since(begin).Seconds())
	w.metrics.sends.WithLabelValues(q.key.Platform, r.Verdict.String(), r.Reason).Inc()
	return r
}

// report tells the application's queue what came of an attempt, and the log what
// that changed: one line when sending stops, one when it goes on. It returns for
// how long nothing is sent.
func (w *Worker) report(q *appQueue, t *turn, r Result) (left time.Duration) {
	c := q.report(t, r)
	log := w.log.With("tenant", q.key.Tenant, "platform", q.key.Platform, "app", q.key.App)
	switch {
	case c.opened && r.Verdict == PauseApp:
		log.Error("push service refuses an application; its pushes wait",
			"reason", r.Reason, "advice", q.advice(r), "for_s", c.left.Seconds())
	case c.opened:
		log.Warn("push service fails an application again and again; its pushes wait",
			"cause", r.Cause.String(), "reason", r.Reason, "advice", q.advice(r), "for_s", c.left.Seconds())
	case c.closed:
		log.Info("application sends again")
	case c.slowed:
		log.Warn("push service had too much of an application; it is sent to more slowly for a while", "reason", r.Reason)
	}
	return c.left
}

func (w *Worker) settle(ctx context.Context, q *appQueue, h *held, rec Record, version int64, r Result, left time.Duration) {
	switch r.Verdict {
	case Delivered:
		w.sawFate(q, rec, accepted, r)
		w.memory.pushedNow(h.key, rec.Token, version)
		w.done(h, outcomePushed)
	case DropToken, SuspectToken:
		w.rejected(ctx, q, h, rec, r)
	case PauseApp:
		// Nothing is lost: the job waits in the stream.
		w.pause(q, h, left, r.Reason)
	case Dead:
		w.dead(ctx, h, r.Reason)
	default:
		most := theirsMax
		if r.Cause == OfLine {
			most = lineMax // the breaker spares a service that stays away
		}
		w.wait(h, outcomeRetry, r.Reason, max(spread(r.After), w.memory.theyFailed(h.key, time.Now(), most)))
	}
}
