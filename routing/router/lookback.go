package router

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
)

// Where the log was away for long although its servers ran, their disks were
// full, and what they took in last may be lost in part: a server with a full disk
// forgets what it had not written yet; where it leads a consumer it takes
// that for deleted, and tells the others. Events that lie in the log are then handed
// out to nobody, and push jobs are gone for which events were settled. So the
// events of shortly before are read from the log and settled once more. Every
// router does so: who is pushed is known to the queue and to the push role.
//
// Servers that are killed forget nothing, for the kernel has what they wrote, and
// to look back then would push again what was pushed by workers that were killed
// with them. They end the router's connection, or leave a log without a leader for
// the time of an election. Servers with full disks fail on a connection that stays,
// as they switch the log off and run on, and then have to be started anew.

const (
	// awayFor is how long the log must have been away where its servers were
	// started anew. Where the router's own was not, as when it is one of few whose
	// disk was not full, it is twice that: an election took up to 12.5 s.
	awayFor = 10 * time.Second
	// lookBackFor is how much older than the log's last sign of life events are
	// that are read again: the job of a silent device is stored when the patience
	// with it is over, a minute where the urgency is low.
	lookBackFor = 75 * time.Second
	// lookBackSpread keeps routers from storing the same jobs at the same time.
	lookBackSpread = 2 * time.Second
	// lookBackPause is the time until it goes on where the log refused, or where
	// tenants hold a lot. It doubles up to lookBackPauseMax.
	lookBackPause    = 5 * time.Second
	lookBackPauseMax = time.Minute
)

// logWatch notes whether the log is away. Owned by consume.
type logWatch struct {
	// Static after construction.
	r *Router

	// heard is when the log last answered, on the connection after so many
	// reconnects.
	heard      time.Time
	reconnects uint64
	// failed: it did not answer on that connection, which was there.
	failed bool

	// said is of the log's line about that.
	said reminder.Reminder
}

// answered notes that events could be pulled.
func (w *logWatch) answered(now time.Time) {
	away, reconnects := now.Sub(w.heard), w.r.cfg.Conn.Stats().Reconnects
	enough := w.r.cfg.AwayFor
	if reconnects == w.reconnects {
		enough *= 2
	}
	if !w.heard.IsZero() && w.failed && away >= enough {
		w.r.cfg.Log.Warn("the log was away: what it stored shortly before is seen to once more", "away_s", away.Seconds())
		select {
		case w.r.lookBacks <- w.heard.Add(-lookBackFor):
		default: // one is to begin, from further back
		}
		select {
		case w.r.renewals <- struct{}{}:
		default: // one is to begin
		}
	}
	w.heard, w.reconnects, w.failed = now, reconnects, false
	if w.said.Over() {
		w.r.cfg.Log.Info("events are pulled again")
	}
}

// missed notes that the log did not answer.
func (w *logWatch) missed() {
	conn := w.r.cfg.Conn
	w.failed = w.failed || conn.IsConnected() && conn.Stats().Reconnects == w.reconnects
}

// lookBack reads what the log stored since a time, whenever that is asked for.
func (r *Router) lookBack(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.leaving:
			return
		case since := <-r.lookBacks:
			r.lookBackTo(ctx, since, r.reader.Walk)
		}
	}
}

// readLog is Walk of the log's reader.
type readLog func(ctx context.Context, since time.Time, visit func(routing.Event) bool) error

// lookBackTo goes on until all is read: what the log does not answer now, or what
// a tenant has no room for, it sees to later.
func (r *Router) lookBackTo(ctx context.Context, since time.Time, read readLog) {
	sleep.For(ctx, rand.N(lookBackSpread))
	began, todo := time.Now(), walk{since: since}
	for pause := lookBackPause; ; pause = min(2*pause, lookBackPauseMax) {
		rest, err := r.lookBackOnce(ctx, todo, read)
		switch {
		case ctx.Err() != nil || closed(r.leaving):
			return
		case err != nil:
			r.cfg.Log.Warn("what the log stored before it was away cannot be read, trying again", "error", err)
		case len(rest.tenants) == 0:
			r.cfg.Log.Info("what the log stored before it was away is seen to", "took_s", time.Since(began).Seconds())
			return
		default:
			if rest.since.After(todo.since) {
				pause = lookBackPause
			}
			r.cfg.Log.Info("tenants hold a lot: what the log stored of them before it was away is seen to later", "tenants", len(rest.tenants))
			todo = rest
		}
		select {
		case <-time.After(pause):
		case more := <-r.lookBacks: // it was away again
			todo = walk{since: earlier(more, todo.since)}
		case <-r.leaving:
			return
		case <-ctx.Done():
			return
		}
	}
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// walk is what is to be read of the log.
type walk struct {
	since time.Time
	// tenants are those whose events are wanted, and from which one on; nil: all.
	tenants map[string]place
	// end is the last sequence; 0: as it is when the walk begins.
	end uint64
}

// place is one event's in the log.
type place struct {
	seq uint64
	at  time.Time
}

func (w *walk) wants(e routing.Event) bool {
	from, wanted := w.tenants[e.Tenant]
	return w.tenants == nil || wanted && e.Sequence >= from.seq
}

// lookBackOnce hands the loop what it takes at once, and returns what there was
// no room for.
func (r *Router) lookBackOnce(ctx context.Context, todo walk, read readLog) (walk, error) {
	g, full, end := newGathered(), map[string]place{}, todo.end
	err := read(ctx, todo.since, func(e routing.Event) bool {
		if todo.end == 0 {
			end = e.Sequence
		} else if e.Sequence > todo.end {
			return false
		}
		if _, refused := full[e.Tenant]; !refused && todo.wants(e) {
			g.add(e, r.message(e))
		}
		if g.full() {
			r.seeAgain(ctx, g, full)
			g = newGathered()
		}
		return ctx.Err() == nil && !closed(r.leaving) && (todo.tenants == nil || len(full) < len(todo.tenants))
	})
	if err != nil {
		return walk{}, err
	}
	r.seeAgain(ctx, g, full)
	return rest(full, todo, end), nil
}

// rest is what remains of a walk that found no room for tenants.
func rest(full map[string]place, of walk, end uint64) walk {
	w := walk{tenants: full, end: end}
	for _, p := range full {
		if w.since.IsZero() || p.at.Before(w.since) {
			w.since = p.at
		}
	}
	return w
}
