package push

import (
	"context"
	"time"
)

// examine looks up the device of a due job and hands the job to the queue of
// its application.
func (w *Worker) examine(ctx context.Context, h *held) {
	looked := time.Now()
	rec, ok := w.lookup(ctx, h)
	if !ok {
		return
	}
	h.app = rec.App
	if w.quiet(h) {
		return
	}
	k := AppKey{Tenant: h.job.Tenant, Platform: rec.Platform, App: rec.App}
	q := w.apps[k]
	if q == nil {
		w.unconfigured(h, k)
		return
	}
	// On another goroutine: the lookup's slot must not be held by a provider
	// that hangs.
	if !q.offer(func(t *turn) { w.begin(ctx, q, t, h, rec, looked) }) {
		w.turnedAway(q, h)
	}
}

// lookup reads the device's record. ok is false if that settled the job.
func (w *Worker) lookup(ctx context.Context, h *held) (rec Record, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StepTimeout)
	defer cancel()
	j := h.job
	rec, err := w.cfg.Records.Record(ctx, j.Tenant, j.User, j.Device)
	switch {
	case err != nil:
		w.about(h).Warn("the device's record cannot be read; its push is tried again", "error", err)
		w.retrySoon(h, outcomeLookup, "device record not readable")
		return Record{}, false
	case !rec.Found || rec.Token == "":
		w.done(h, outcomeNoToken)
		return Record{}, false
	case w.memory.told(h.key, rec.Token, j.Version):
		w.done(h, outcomeTold)
		return Record{}, false
	}
	return rec, true
}

// fetchFor is for how long, from when it was found at it first, a device is waited
// for that is fetching, though the patience with it is over.
const fetchFor = 10 * time.Second

// needed asks the routers. It reports false if that settled the job.
func (w *Worker) needed(ctx context.Context, h *held) bool {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StepTimeout)
	defer cancel()
	j := h.job
	state, err := w.cfg.Presence.Check(ctx, Target{j.Tenant, j.User, j.Device, j.Kind, j.Version, j.Urgency})
	if err != nil {
		state = Unknown
	}
	now := time.Now()
	if state != Unknown && state != Fetching {
		w.memory.known(h.key)
	}
	switch state {
	case Unknown:
		return w.waits(h, outcomeUnknown, w.cfg.UnknownFor-w.memory.unknown(h.key, now))
	case Covered:
		w.done(h, outcomeCovered)
		return false
	case InFlight:
		return w.waits(h, outcomeInFlight, w.patienceLeft(h, now))
	case Fetching:
		return w.waits(h, outcomeInFlight, max(w.patienceLeft(h, now), fetchFor-w.memory.fetching(h.key, now)))
	default:
		return true
	}
}

// patienceLeft is for how long the device may still take to acknowledge the oldest
// event that waits for its push.
func (w *Worker) patienceLeft(h *held, now time.Time) time.Duration {
	return patience(h.job.Urgency) - now.Sub(w.memory.waitsSince(h.key, h.job.EventAt))
}

// waits has the device asked about again, unless no time is left for that: the
// push is needed then.
func (w *Worker) waits(h *held, outcome string, left time.Duration) (needed bool) {
	if left <= 0 {
		return true
	}
	w.retry(h, outcome, min(left, w.cfg.AskEvery))
	return false
}

// compose reads the head and words the message. ok is false if that settled
// the job.
func (w *Worker) compose(ctx context.Context, h *held, rec Record) (m Message, version int64, ok bool) {
	ctx, cancel := context.WithTimeout(ctx, w.cfg.StepTimeout)
	defer cancel()
	j := h.job
	head, raw, err := w.cfg.Heads.Head(ctx, j.Tenant, j.User, j.Kind)
	if err != nil {
		w.about(h).Warn("the user's newest version cannot be read; the push is tried again", "error", err)
		w.retrySoon(h, outcomeLookup, "head not readable")
		return Message{}, 0, false
	}
	version = max(head, j.Version)
	content, send := w.content(j, head, raw)
	if !send {
		w.done(h, outcomeNone)
		return Message{}, 0, false
	}
	until, expiry := w.lifetime(j, content)
	if !until.After(time.Now()) {
		w.dead(ctx, h, "too old")
		return Message{}, 0, false
	}
	return newMessage(j, rec, version, content, expiry), version, true
}

// onceFor is for how long, beyond the patience with a connected device, a push
// is tried that its provider is to try once only: it is of this moment.
const onceFor = 30 * time.Second

// lifetime is until when the worker tries to send a push, and until when its
// provider shall try to deliver it.
func (w *Worker) lifetime(j Job, c Content) (until, expiry time.Time) {
	switch {
	case c.Once:
		return j.latest().Add(patience(j.Urgency) + onceFor), time.Time{}
	case c.TTL == 0:
		until = j.latest().Add(w.cfg.MaxAge)
	default:
		until = j.latest().Add(c.TTL)
	}
	return until, until
}

// content prefers what the head wants shown, then what the job's own event
// wanted, then the kind's defaults.
func (w *Worker) content(j Job, head int64, raw []byte) (c Content, send bool) {
	has := false
	if head >= j.Version {
		c, has = parseContent(raw)
	}
	if !has {
		c, has = parseContent(j.Push)
	}
	return w.cfg.Policy(j.Tenant, j.Kind).apply(c, has, j.Kind)
}
