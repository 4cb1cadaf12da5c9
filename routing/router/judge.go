package router

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

const (
	beatEvery = time.Second
	// hearAgain is how long no events are taken after NATS was away: within
	// it every edge has beaten, and what was missed shows.
	hearAgain = 1200 * time.Millisecond
	// missedFor is how long an edge may be lost to this router alone: for
	// longer the dispatcher does not surely remember what it settled without
	// the edge's devices.
	missedFor = 20 * time.Second
)

// lostEdge is when an edge fell silent, and how much the dispatcher had
// forgotten early by then.
type lostEdge struct {
	at      time.Time
	evicted uint64
}

// watchConn keeps the router's own absence from NATS from being taken for the
// edges' silence.
func (l *loop) watchConn(now time.Time) {
	conn := l.r.cfg.Conn
	up, reconnects := conn.IsConnected(), conn.Stats().Reconnects
	if !up && !l.tickedAt.IsZero() {
		l.table.Excuse(now.Sub(l.tickedAt))
	}
	if up && l.listenUntil.IsZero() {
		l.listenUntil = now.Add(l.r.cfg.Listen)
	}
	if up && (reconnects != l.reconnects || !l.connected) {
		l.table.Excuse(hearAgain)
		l.pausedUntil = now.Add(min(hearAgain, l.r.cfg.Listen))
	}
	l.connected, l.reconnects, l.tickedAt = up, reconnects, now
}

// appeared deals with an edge that has sessions when it is first heard of, or
// heard of again. Usually its sessions wait for this router's echo, and
// nothing was settled that they miss. But an edge that was lost to this router
// alone knows nothing of it.
func (l *loop) appeared(edge string, now time.Time) {
	if was, ok := l.lost[edge]; ok {
		delete(l.lost, edge)
		if now.Sub(was.at) > missedFor || l.d.Counts().RecentEvicted != was.evicted {
			l.recheck = true
		}
	}
	l.judge(now)
}

// judge finds out whether the table is complete, and says so at once. It
// stays complete while a new edge is taken in: edges verify all their
// sessions anew with a router that becomes complete.
func (l *loop) judge(now time.Time) {
	l.settled = l.table.Settled(now)
	if l.settled {
		l.recheck = false
	}
	listened := !l.listenUntil.IsZero() && !now.Before(l.listenUntil)
	complete := listened && l.recordsIn && !l.leaving && !l.clock.wrong && (l.settled && l.caughtUp(now) || l.complete && !l.recheck)
	if complete == l.complete {
		return
	}
	l.complete = complete
	l.r.ready.Store(complete)
	if complete {
		if err := l.subs.open(); err != nil {
			l.complete = false
			l.r.ready.Store(false)
			l.r.cfg.Log.Warn("requests cannot be answered, trying again", "error", err)
			return
		}
		if !closed(l.r.complete) {
			close(l.r.complete)
		}
	} else {
		l.subs.shut()
	}
	edges, _ := l.table.Edges()
	l.r.cfg.Log.Info("table of devices", "complete", complete, "edges", edges, "sessions", l.table.Sessions(), "records", l.table.Records())
	l.beat(now, true)
}

func (l *loop) beat(now time.Time, changed bool) {
	if !changed && now.Sub(l.beatAt) < beatEvery {
		return
	}
	l.beatAt = now
	loads := l.table.Loads()
	l.r.loads.Store(&loads)
	l.r.publish(routing.BeatSubject(l.r.cfg.Name), &linkpb.RouterBeat{
		Router: l.r.cfg.Name, Incarnation: l.r.cfg.Incarnation,
		Complete: l.complete, Leaving: l.leaving, NowMs: now.UnixMilli(), Site: l.r.cfg.Site,
	})
}
