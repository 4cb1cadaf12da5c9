package router

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/reminder"
	"github.com/hawser-edge/hawser/routing/dispatch"
	"github.com/hawser-edge/hawser/routing/online"
	"github.com/hawser-edge/hawser/routing/pushqueue"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	tickEvery = 50 * time.Millisecond
	// dueEvery is how late a device is decided on at most for want of looking.
	dueEvery = 10 * time.Millisecond
	// drainSteps bounds what the loop takes in before it sends what came of
	// it.
	drainSteps = 2048
	// drainMessages of them are events from the log at most: those come by the
	// hundred, and what sessions hear of by hints shall not wait behind them.
	drainMessages = 16
	// maxLost bounds the lost edges that are remembered.
	maxLost = 4096
)

// loop owns the router's state. Its goroutine is Run's.
type loop struct {
	// Static after construction.
	r     *Router
	subs  *subscriptions
	table *table.Table
	d     *dispatch.Dispatcher
	fx    *effects

	// echo are the edges to be told how far the table follows them.
	echo    map[string]bool
	guard   *guard
	ends    ends
	online  *online.Tracker
	limits  limits
	changes []table.Change
	part    table.DumpPart
	// complete is what edges are told; settled, that no edge waits for its
	// first dump: only then events are taken.
	complete, settled bool
	// recheck: an edge came back after so long that what was settled without
	// it is forgotten. Edges are told that the table was incomplete.
	recheck bool
	lost    map[string]lostEdge
	leaving bool
	// recordsIn: every device record has been told.
	recordsIn bool
	// listenUntil is set from when NATS was first connected; before
	// pausedUntil no events are taken.
	listenUntil, pausedUntil time.Time
	connected                bool
	reconnects               uint64
	tickedAt                 time.Time
	// steppedAt is when the loop last took something in; until caughtUpBy a
	// table that was left behind is not complete.
	steppedAt, caughtUpBy time.Time
	beatAt                time.Time
	crowdSaid, fullSaid   reminder.Reminder
	totals                totals
	clock                 clock
}

func newLoop(r *Router, subs *subscriptions) *loop {
	t := table.New()
	fx := &effects{r: r, out: &outbox{r: r, edges: make(map[string]*outgoing)}, asked: make(map[uint64]*nats.Msg), maxWaiting: 2 * r.cfg.MaxPending}
	return &loop{
		clock: newClock(time.Now()), guard: newGuard(r),
		r: r, subs: subs, table: t, fx: fx, echo: make(map[string]bool), online: newTracker(r), limits: limits{make(map[table.UserID][]held)}, ends: ends{make(map[string]map[uint64]*ending)}, lost: make(map[string]lostEdge),
		d: dispatch.New(dispatch.Config{
			AckWait: r.cfg.AckWait, MaxPending: r.cfg.MaxPending, LostWait: r.cfg.LostWait, LostRate: r.cfg.LostRate,
		}, t, fx),
	}
}

func (l *loop) run(ctx context.Context) {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	due := time.NewTicker(dueEvery)
	defer due.Stop()
	leaving := l.r.leaving
	l.tick(l.now())
	for {
		select {
		case <-ctx.Done():
			return
		case <-leaving:
			leaving = nil
			l.beginLeave()
		case <-l.left():
			l.finishLeave()
			return
		case m := <-l.r.core:
			l.takeCore(m, l.now())
		case u := <-l.r.records:
			l.takeRecord(u, l.now())
		case h := <-l.r.hints:
			l.takeHint(h, l.now())
		case m := <-l.messages():
			l.takeMessage(m, l.now())
		case s := <-l.r.stored:
			l.takeStored(s, l.now())
		case m := <-l.r.checks:
			l.takeCheck(m, l.now())
		case t := <-l.againTasks():
			l.takeAgain(t, l.now())
		case q := <-l.r.presence:
			l.takePresence(q, l.now())
		case <-tick.C:
			l.tick(l.now())
		case <-due.C:
			l.d.Due(l.now())
		}
		l.drain()
		l.flush(time.Now())
	}
}

// messages is nil while no events shall be taken.
func (l *loop) messages() chan dispatch.Message {
	if !l.leaving && !l.takes() {
		return nil
	}
	return l.r.messages
}

// takes reports whether what the table knows is good enough for events.
func (l *loop) takes() bool {
	return l.complete && l.settled && !time.Now().Before(l.pausedUntil)
}

// drain takes in what is there already, sessions, answers and hints first.
func (l *loop) drain() {
	messages := 0
	for range drainSteps {
		now := l.now()
		select {
		case m := <-l.r.core:
			l.takeCore(m, now)
			continue
		case h := <-l.r.hints:
			l.takeHint(h, now)
			continue
		default:
		}
		select {
		case u := <-l.r.records:
			l.takeRecord(u, now)
		case s := <-l.r.stored:
			l.takeStored(s, now)
		case m := <-l.r.checks:
			l.takeCheck(m, now)
		case m := <-l.messages():
			l.takeMessage(m, now)
			if messages++; messages == drainMessages {
				return
			}
		default:
			return
		}
	}
}

func (l *loop) takeMessage(m dispatch.Message, now time.Time) {
	if m.Receipt.(receipt).epoch != l.r.epoch.Load() {
		return // delivered before this router stood still
	}
	seq := m.Receipt.(receipt).seq
	l.raise(m.Tenant, m.User, m.Kind, seq)
	l.d.Message(m, now)
}

// raise notes what the log surely has.
func (l *loop) raise(tenant, user, kind string, seq uint64) {
	if seq > l.r.dispatched.Load() {
		l.r.dispatched.Store(seq)
	}
	l.r.floors.Raise(tenant, user, kind, seq)
}

func (l *loop) takeStored(s storedJob, now time.Time) {
	if errors.Is(s.err, pushqueue.ErrFull) {
		l.full(s.err, now)
	}
	l.d.Stored(s.job, s.err, now)
	if s.err == nil && s.until.After(now) && s.job.NotBefore.IsZero() {
		l.d.Waits(s.job, s.until)
	}
}

func (l *loop) takeRecord(u recordUpdate, now time.Time) {
	if u.device == (table.DeviceID{}) {
		l.recordsIn = true
		return
	}
	if u.isCutoff {
		l.takeCutoff(u.device, u.cutoff)
		return
	}
	if l.table.SetRecord(u.device, u.hasToken) {
		l.d.RecordChanged(u.device, now)
		l.limitRecord(u, now)
	}
}

func (l *loop) tick(now time.Time) {
	l.watchConn(now)
	held := l.table.Sessions()
	lost := l.table.Tick(now)
	gone := held - l.table.Sessions() // of all edges lost at once
	for _, edge := range lost {
		l.r.metrics.edgesLost.Inc()
		l.ends.forget(edge)
		l.online.EdgeLost(edge, now)
		if len(l.lost) < maxLost {
			l.lost[edge] = lostEdge{now, l.d.Counts().RecentEvicted}
		}
		if gone == 0 { // an edge that was stopped in order has none
			l.r.cfg.Log.Info("edge has left", "edge", edge)
		} else {
			l.r.cfg.Log.Warn("edge is silent: its sessions are taken for ended", "edge", edge, "sessions_lost", gone)
		}
	}
	l.crowding(now)
	l.watchClock(now)
	l.d.Tick(now)
	l.judge(now)
	l.tellChanges(now)
	l.beat(now, false)
	l.report()
}

// flush sends what the last steps called for.
func (l *loop) flush(now time.Time) {
	for len(l.fx.refused) > 0 {
		refused := l.fx.refused
		l.fx.refused = nil
		for _, j := range refused {
			l.d.Stored(j, errBusy, now)
		}
	}
	l.fx.handOn()
	l.fx.out.flush()
	l.flushEchoes()
	l.askDumps(now)
}
