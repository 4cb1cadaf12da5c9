package push

import (
	"math/rand/v2"
	"strings"
	"time"
)

// A job that its application has no room for waits in the stream, apart from
// those that are due. That is written down once. From then on the job returns
// from time to time, is found to wait still without a question to anybody, and is
// sent back without a write; when its application goes on it is called back.

const (
	// burst is for how long an application may have more jobs than it has room
	// for before they are kept apart.
	burst = 10 * time.Second
	// lookEvery is how often, of the times at which a waiting job returns, its
	// device is looked up all the same: it may belong to another application now.
	lookEvery = 8
)

// label names an application in the jobs that wait for it.
func (k AppKey) label() string { return k.Platform + " " + k.App }

// waitsFor is the application that a held job waits for.
func (j Job) waitsFor() (k AppKey, ok bool) {
	if j.Hold != HoldPaused {
		return AppKey{}, false
	}
	platform, app, ok := strings.Cut(j.WaitsFor, " ")
	return AppKey{Tenant: j.Tenant, Platform: platform, App: app}, ok
}

// waitsOn sends a job back that waits for its application, if that still has no
// room for it. It reports whether it did.
func (w *Worker) waitsOn(job Job, d Delivery) bool {
	k, ok := job.waitsFor()
	if !ok {
		return false
	}
	now, until, q := time.Now(), job.NotBefore, w.apps[k]
	early := until.After(now) // handed out for the first time, or by NATS servers that began anew
	switch {
	case q != nil && q.hasRoom():
		return false
	case !early && (q == nil || rand.N(lookEvery) == 0):
		return false
	case q != nil:
		until = q.away(now)
	}
	if w.tooOld(job, until) {
		return false
	}
	w.metrics.refused.WithLabelValues(queueApp).Inc()
	w.postpone(q, d, until)
	return true
}

// waitOn sends a job back, gathered already, that is written down as waiting.
func (w *Worker) waitOn(q *appQueue, h *held, until time.Time) {
	w.memory.sentBack(h.key, h.job.EventAt)
	w.postpone(q, h.delivery, until)
	w.finish(h)
}

// postpone has a job wait on that is written down as waiting.
func (w *Worker) postpone(q *appQueue, d Delivery, until time.Time) {
	w.resolve(outcomePaused, func() {
		if call := d.Postpone(until); q != nil {
			q.remember(recall{until, call})
		}
	})
}

// turnedAway has a job wait in the stream that its application has no room for,
// apart where that is not over in a moment: the queue hands out so many of the
// jobs that are due at once and no more, those that it is to hand out again soon
// among them.
func (w *Worker) turnedAway(q *appQueue, h *held) {
	w.metrics.refused.WithLabelValues(queueApp).Inc()
	stopped, reason := q.isStopped()
	switch {
	case stopped:
		w.await(q, h, "application stopped: "+reason)
	case time.Since(h.job.latest()) > burst:
		w.await(q, h, "application has too many")
	default:
		w.linger(q, h)
	}
}

// linger has a job come again as soon as its application has room for it, by
// itself when the burst is over: what returns only to be turned away once more
// costs as much as a push.
func (w *Worker) linger(q *appQueue, h *held) {
	after := burst - time.Since(h.job.latest())
	if after < w.cfg.AskEvery || !q.promise() {
		w.retry(h, outcomeRefused, spread(w.cfg.AskEvery))
		return
	}
	until := time.Now().Add(spread(min(after, burst)))
	w.memory.sentBack(h.key, h.job.EventAt)
	w.memory.gathered(h.key, h.job.Version)
	w.resolve(outcomeRefused, func() { q.rememberPromised(recall{until, h.delivery.Postpone(until)}) })
	w.finish(h)
}

// await has a job wait for its application, and writes that down if it is news.
func (w *Worker) await(q *appQueue, h *held, reason string) {
	if k, ok := h.job.waitsFor(); !ok || k != q.key {
		w.pause(q, h, 0, reason)
		return
	}
	until := q.away(time.Now())
	if w.tooOld(h.job, until) {
		w.giveUp(h, reason)
		return
	}
	w.waitOn(q, h, until)
}

// pause writes down that a job waits for its application, for so long at least,
// and why.
func (w *Worker) pause(q *appQueue, h *held, least time.Duration, reason string) {
	until := time.Now().Add(max(least, spread(awayFor)))
	if w.tooOld(h.job, until) {
		w.giveUp(h, reason)
		return
	}
	w.hold(h, outcomePaused, until, HoldPaused, q.key.label(), reason)
}

// unconfigured keeps the job of an application that has no provider: a missing
// setting must neither lose pushes nor be silent.
func (w *Worker) unconfigured(h *held, k AppKey) {
	now := time.Now()
	if w.noApp.Due(now) {
		w.log.Error("no push provider is configured for an application that devices registered; its pushes wait",
			"tenant", k.Tenant, "platform", k.Platform, "app", k.App,
			"advice", "Add it to push.apps, or have the app name one that is there; hawser push list --reason \"no provider\" shows all that wait so.")
	}
	const reason = "no provider for this application"
	until := w.nowhere(now, now.Add(w.memory.theyFailed(h.key, now, theirsMax)))
	switch before, ok := h.job.waitsFor(); {
	case w.tooOld(h.job, until):
		w.giveUp(h, reason)
	case ok && before == k:
		w.waitOn(nil, h, until)
	default:
		w.hold(h, outcomePaused, until, HoldPaused, k.label(), reason)
	}
}

// nowhere returns the slot of a job that has no provider.
func (w *Worker) nowhere(now, from time.Time) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.unconfiguredSlots.take(now, from, time.Second/returnRate)
}
