package push

import (
	"context"
	"time"
)

// clockMargin is how far the clocks of edges and of a push service may be apart.
const clockMargin = 5 * time.Minute

// rejected handles a token that the push service rejects. A token goes only in
// two steps, so that none goes that is in use:
//
//  1. The record is marked. From then on every registration of the device
//     writes its record anew, and so clears the mark.
//  2. A push that was made after that is rejected as well. The record goes if
//     nobody has written it since: had the device registered its token anew
//     before the mark, the second push would have arrived.
//
// No clock takes part in this. The guard has its say before each step.
func (w *Worker) rejected(ctx context.Context, q *appQueue, h *held, rec Record, r Result) {
	what, now := suspect, time.Now()
	if r.Verdict == DropToken {
		what = gone
	}
	switch at := r.Unregistered; {
	case at.IsZero():
	case rec.RegisteredAt.After(at):
		w.metrics.tokens.WithLabelValues(tokenNewer).Inc()
		w.retryLater(h, outcomeRejected, "rejected before it was registered anew")
		return
	case rec.RegisteredAt.Add(clockMargin).After(at):
		// Which of the two came first is not sure.
		what = suspect
	}
	g := w.guards[q.key]
	w.sawFate(q, rec, what, r)
	switch {
	case g.mode == RemovalNever:
		w.dead(ctx, h, r.Reason)
	case rec.RejectedAt.IsZero():
		w.firstRejection(ctx, g, h, rec, r, what)
	case now.Sub(rec.RejectedAt) < w.confirmAfter(what):
		w.unconfirmed(h, r, what, w.confirmAfter(what)-now.Sub(rec.RejectedAt))
	case !g.mayRemove(what, rec.RejectedAt, now):
		w.keep(ctx, g, h, rec, r)
	default:
		w.dropToken(ctx, h, rec, r)
	}
}

func (w *Worker) confirmAfter(what rejection) time.Duration {
	if what == gone {
		return w.cfg.ConfirmGone
	}
	return w.cfg.ConfirmSuspect
}

// firstRejection marks the token, where the guard finds the push service sane.
func (w *Worker) firstRejection(ctx context.Context, g *guard, h *held, rec Record, r Result, what rejection) {
	if !g.mayMark(time.Now()) {
		w.keep(ctx, g, h, rec, r)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StepTimeout)
	defer cancel()
	j := h.job
	marked, err := w.cfg.Records.MarkRejected(ctx, j.Tenant, j.User, j.Device, rec.Revision, time.Now())
	switch {
	case err != nil:
		w.about(h).Warn("a push token that was rejected cannot be marked, trying again", "error", err)
		w.retrySoon(h, outcomeRejected, "rejected token not marked")
	case !marked:
		w.registeredAnew(h)
	default:
		w.metrics.tokens.WithLabelValues(tokenMarked).Inc()
		w.unconfirmed(h, r, what, w.confirmAfter(what))
	}
}

// unconfirmed has a push come back when its rejection may be confirmed. The
// mark's time may be another worker's, ahead of ours.
func (w *Worker) unconfirmed(h *held, r Result, what rejection, left time.Duration) {
	w.wait(h, outcomeRejected, r.Reason, min(left, w.confirmAfter(what)))
}

// frozenWait is how long the pushes to rejected tokens of a frozen application
// wait: there are many, and each only shows whether the storm is over.
const frozenWait = 15 * time.Minute

// keep has the push wait: the token may not be at fault. Where others are
// reached it is, though they are too few to remove it: its push is given up.
func (w *Worker) keep(ctx context.Context, g *guard, h *held, rec Record, r Result) {
	w.metrics.tokens.WithLabelValues(tokenKept).Inc()
	switch {
	case g.isFrozen():
		w.wait(h, outcomeRejected, r.Reason, spread(frozenWait))
	case g.mayMark(time.Now()) && time.Since(rec.RejectedAt) >= w.cfg.ConfirmSuspect:
		w.dead(ctx, h, r.Reason)
	default:
		w.retryLater(h, outcomeRejected, r.Reason)
	}
}

// registeredAnew: the device's present token gets the push.
func (w *Worker) registeredAnew(h *held) {
	w.metrics.tokens.WithLabelValues(tokenNewer).Inc()
	w.retry(h, outcomeRejected, w.cfg.GatherHigh)
}

// dropToken removes a rejected token. The backend hears of it first: a token
// that is gone without word cannot be explained to anybody.
func (w *Worker) dropToken(ctx context.Context, h *held, rec Record, r Result) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StepTimeout)
	defer cancel()
	j := h.job
	if err := w.cfg.Events.TokenRejected(ctx, j.Tenant, j.User, j.Device, rec.App, r.Reason); err != nil {
		w.about(h).Warn("the backend was not told of a rejected push token, which stays for now", "error", err)
		w.retrySoon(h, outcomeRejected, "token.rejected not published")
		return
	}
	dropped, err := w.cfg.Records.DropToken(ctx, j.Tenant, j.User, j.Device, rec.Revision)
	switch {
	case err != nil:
		w.about(h).Warn("a push token that was rejected cannot be removed, trying again", "error", err)
		w.retrySoon(h, outcomeRejected, "rejected token not removed")
	case !dropped:
		w.registeredAnew(h)
	default:
		w.metrics.tokens.WithLabelValues(tokenDropped).Inc()
		w.done(h, outcomeDropped)
	}
}

// sawFate tells the application's guard how a device fared, and the operator
// where that makes a storm or ends one.
func (w *Worker) sawFate(q *appQueue, rec Record, what rejection, r Result) {
	changed, frozen, c := w.guards[q.key].saw(rec.Token, what, time.Now())
	if !changed {
		return
	}
	log := w.log.With("tenant", q.key.Tenant, "platform", q.key.Platform, "app", q.key.App,
		"devices_tried", c.tried(), "devices_rejected", c.rejected())
	if !frozen {
		log.Info("push service takes an application's pushes again; rejected tokens may go")
		return
	}
	log.Error("push service rejects too many of an application's tokens: none is removed, their pushes wait",
		"reason", r.Reason, "advice", q.advice(r))
}

// Frozen returns the applications of which too many tokens are rejected, so
// that none is removed for now.
func (w *Worker) Frozen() []AppKey {
	var list []AppKey
	for k, g := range w.guards {
		if g.isFrozen() {
			list = append(list, k)
		}
	}
	return list
}
