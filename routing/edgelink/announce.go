package edgelink

import (
	"context"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// announcer is the state of the goroutine that tells of sessions.
type announcer struct {
	l       *Link
	subject string
	subs    []*nats.Subscription
	// reconnects as of the last look: a greater number means that NATS was
	// away in between, however shortly.
	reconnects uint64
	up         bool
	// lost is the number of messages that subscriptions dropped, so far.
	lost      int
	elsewhere elsewhere
}

// announceAll drains what waits to be told, beats, and watches NATS.
func (l *Link) announceAll(ctx context.Context, status chan nats.Status, subs []*nats.Subscription) {
	a := &announcer{
		l: l, subject: routing.SessionsSubject(l.cfg.Edge), subs: subs,
		reconnects: l.cfg.Conn.Stats().Reconnects, up: true, elsewhere: newElsewhere(l.cfg.Timing),
	}
	beat := time.NewTicker(l.cfg.Timing.Beat)
	defer beat.Stop()
	company := time.NewTimer(announceWait)
	defer company.Stop()
	a.look()
	a.beat()
	for {
		select {
		case <-ctx.Done():
			a.finish()
			return
		case <-status:
			a.look()
		case <-l.announceC:
			// A batch wakes a NATS server and every router, which echo it and
			// are asked for heads: the first one waits a moment for company.
			company.Reset(announceWait)
			select {
			case <-ctx.Done():
			case <-company.C:
			}
		case <-beat.C:
			a.seek()
			a.look()
			a.beat()
		}
		a.drain()
	}
}

// finish tells of what ended last.
func (a *announcer) finish() {
	a.drain()
	if a.l.cfg.Conn.IsConnected() {
		_ = a.l.cfg.Conn.FlushTimeout(500 * time.Millisecond) // best effort: routers forget a silent edge
	}
}

// look notices that NATS went away or came back.
func (a *announcer) look() {
	conn := a.l.cfg.Conn
	reconnects, up := conn.Stats().Reconnects, conn.IsConnected()
	switch {
	case !up:
		a.away()
	case !a.up || reconnects != a.reconnects:
		a.back()
	}
	a.reconnects, a.up = reconnects, up
	a.l.refresh()
	a.l.watchClock()
}

func (a *announcer) away() {
	if a.up {
		a.l.log.Warn("NATS is away: devices stay connected, news waits")
	}
	a.park(resyncReconnect)
}

func (a *announcer) back() {
	a.l.log.Info("NATS is back: routers are told of all sessions anew")
	a.l.cfg.Handler.Back()
	a.park(resyncReconnect)
}

// park stops telling one by one. Routers are counted anew afterwards: which
// of them are there is not known any more.
func (a *announcer) park(reason string) {
	a.l.mu.Lock()
	defer a.l.mu.Unlock()
	a.l.table.park()
	if a.l.parkedBy == "" {
		a.l.parkedBy = reason
	}
	a.l.presence.clear()
}

// refresh forgets silent routers and says whether the link is degraded.
func (l *Link) refresh() {
	l.mu.Lock()
	now := time.Now()
	complete := l.presence.expire(now)
	behind := l.verifier.stuck(&l.presence, now)
	connected := l.cfg.Conn.IsConnected()
	begun, ended := l.outage.look(connected && complete == 0, now)
	l.mu.Unlock()
	switch {
	case begun:
		l.log.Warn("no router is complete: devices stay connected, news waits; look at /readyz of the routers")
	case ended && complete > 0:
		l.log.Info("a router is complete again")
	case len(behind) > 0:
		l.log.Warn("routers do not echo this edge's sessions, which hear of nothing they missed until then", "routers", behind)
	}
	l.degraded.Store(complete == 0 || !connected)
	// A router that is gone is not waited for any more.
	signal(l.verifyC)
}

// drain publishes batch after batch until nothing waits.
func (a *announcer) drain() {
	if !a.up {
		return
	}
	a.resync()
	for a.tell() {
	}
	a.l.sendAnswers() // answerAll leaves them to this where sessions wait
}

// tell publishes the next batch, and reports false where none waits. Answers
// keep their place among the batches: a router that hears that a session is
// gone must know of the one that took its place, or it takes the device for
// away; and of one that has left it takes no answer. In both cases it would
// have pushed what the device hears or has.
func (a *announcer) tell() bool {
	a.l.answers.sending.Lock()
	defer a.l.answers.sending.Unlock()
	a.l.mu.Lock()
	b := a.l.table.cut(a.l.cfg.DropBatch, func(e *entry) { a.l.verifier.wait(e, e.need) })
	parked := a.l.table.parked
	var answers answersByRouter
	if len(b.GetRemoved()) > 0 {
		answers = a.l.answers.take() // with mu: all sessions of before them are told of
	}
	a.l.mu.Unlock()
	if b == nil || parked {
		return false
	}
	a.l.send(answers)
	a.l.metrics.batches.Inc()
	return a.publish(b)
}

// resync takes a parked table up again.
func (a *announcer) resync() {
	a.l.mu.Lock()
	parked, reason := a.l.table.parked, a.l.parkedBy
	if parked {
		a.l.parkedBy = ""
		// Before, too: what is being asked for is not news of after it.
		a.l.verifier.restart(time.Now())
		a.l.table.resync()
		a.l.verifier.restart(time.Now())
	}
	a.l.mu.Unlock()
	if !parked {
		return
	}
	if reason == "" {
		reason = resyncOverflow
	}
	a.l.metrics.resyncs.WithLabelValues(reason).Inc()
	signal(a.l.verifyC)
	a.beat()
}

// beat repeats the last number with count and checksum.
func (a *announcer) beat() {
	a.l.countLost(a)
	a.l.mu.Lock()
	t := &a.l.table
	b := &linkpb.SessionBatch{Seq: t.seq, Count: t.count, Checksum: t.checksum}
	quiet := t.parked || !a.up
	a.l.mu.Unlock()
	if quiet {
		return
	}
	a.l.metrics.beats.Inc()
	a.publish(b)
}

// publish sends a batch. One that could not be sent parks the table: routers
// will get a dump.
func (a *announcer) publish(b *linkpb.SessionBatch) bool {
	b.Site = a.l.cfg.Site
	b.Edge, b.Incarnation, b.NowMs = a.l.cfg.Edge, a.l.cfg.Incarnation, a.l.clock.wall().UnixMilli()
	data, err := proto.Marshal(b)
	if err == nil {
		err = a.l.cfg.Conn.Publish(a.subject, data)
	}
	if err == nil {
		return true
	}
	a.l.log.Warn("sessions could not be told of, routers will get a dump", "error", err)
	// Not before the next beat: a resync goes over all sessions.
	a.up = false
	a.park(resyncPublish)
	return false
}

// countLost counts what the subscriptions dropped because the edge did not
// keep up.
func (l *Link) countLost(a *announcer) {
	lost := 0
	for _, s := range a.subs {
		if n, err := s.Dropped(); err == nil {
			lost += n
		}
	}
	if lost > a.lost {
		l.metrics.dropped.WithLabelValues(dropInbound).Add(float64(lost - a.lost))
	}
	a.lost = max(a.lost, lost)
}
