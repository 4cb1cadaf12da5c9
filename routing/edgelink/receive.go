package edgelink

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// subscribe begins to listen to the routers. Each subscription has its own
// goroutine in the NATS client; unsubscribe ends them.
func (l *Link) subscribe() ([]*nats.Subscription, error) {
	edge := l.cfg.Edge
	var subs []*nats.Subscription
	for _, s := range []struct {
		subject string
		handle  func(*nats.Msg)
	}{
		{routing.BeatsAll, decode(l, l.onBeat)},
		{routing.EchoSubject(edge), decode(l, l.onEcho)},
		{routing.DumpRequestSubject(edge), decode(l, l.onDumpRequest)},
		{routing.NotifySubject(edge), decode(l, l.onNotify)},
	} {
		sub, err := l.cfg.Conn.Subscribe(s.subject, s.handle)
		if err == nil {
			subs = append(subs, sub)
			err = sub.SetPendingLimits(maxInbound, nats.DefaultSubPendingBytesLimit)
		}
		if err != nil {
			unsubscribe(subs)
			return nil, fmt.Errorf("subscribe to %s: %w", s.subject, err)
		}
	}
	return subs, nil
}

func unsubscribe(subs []*nats.Subscription) {
	for _, s := range subs {
		_ = s.Unsubscribe() // fails only where the connection is closed
	}
}

// decode reads a message and drops what is not one.
func decode[M any, P interface {
	*M
	proto.Message
}](l *Link, handle func(subject string, m P)) func(*nats.Msg) {
	return func(msg *nats.Msg) {
		m := P(new(M))
		if err := proto.Unmarshal(msg.Data, m); err != nil {
			l.malformed(msg.Subject, "protobuf")
			return
		}
		handle(msg.Subject, m)
	}
}

func (l *Link) malformed(subject, what string) {
	l.metrics.dropped.WithLabelValues(dropMalformed).Inc()
	l.log.Warn("message of a router dropped as malformed", "subject", subject, "what", what)
}

func (l *Link) onBeat(subject string, m *linkpb.RouterBeat) {
	name, err := routing.Sender(subject)
	if err != nil || name != m.GetRouter() {
		l.malformed(subject, "router")
		return
	}
	now := time.Now()
	l.clock.beat(m, now)
	l.mu.Lock()
	twins := l.twinRouterLocked(name, m.GetIncarnation(), now)
	if m.GetLeaving() {
		l.presence.leave(name, m.GetIncarnation())
	} else if l.presence.beat(name, m.GetIncarnation(), m.GetComplete(), now) {
		l.verifier.wanted = true
	}
	l.presence.stands(name, m.GetIncarnation(), m.GetSite())
	l.mu.Unlock()
	if twins {
		l.log.Error("two routers run under one name: give each process a name of its own", "router", name)
	}
	l.refresh()
}

func (l *Link) onEcho(subject string, m *linkpb.Echo) {
	if !wire.ValidID(m.GetRouter()) {
		l.malformed(subject, "router")
		return
	}
	if m.GetEdgeIncarnation() != l.cfg.Incarnation {
		if m.GetEdgeIncarnation() > l.cfg.Incarnation {
			l.sawOwnTwin()
		}
		return
	}
	l.mu.Lock()
	// A number that was never sent can not have been applied.
	if m.GetSeq() <= l.table.seq {
		l.presence.echo(m.GetRouter(), m.GetRouterIncarnation(), m.GetSeq(), time.Now())
	}
	complete := l.presence.complete(m.GetRouter())
	superseded, refused := l.liveLocked(m.GetSuperseded()), l.liveLocked(m.GetRefused())
	ends := l.liveEndsLocked(m.GetEnds())
	l.mu.Unlock()
	signal(l.verifyC)
	l.end(ends)
	for _, conn := range superseded {
		l.metrics.superseded.Inc()
		l.cfg.Handler.Supersede(conn)
	}
	l.refuse(refused, m.GetRouter(), complete)
}

// end ends the sessions that a backend ended, or that are too many.
func (l *Link) end(ends []*linkpb.End) {
	for _, e := range ends {
		l.metrics.ended.Inc()
		if e.GetSurplus() {
			l.cfg.Handler.Surplus(e.GetConn())
			continue
		}
		l.cfg.Handler.Cut(e.GetConn(), e.GetCutoff().GetSessionsMs(), e.GetCutoff().GetTokensS())
	}
}

// refuse closes the sessions whose epoch a router refused, unless the router
// is about to find its own clock wrong, or will say it again.
func (l *Link) refuse(conns []uint64, router string, complete bool) {
	if len(conns) == 0 {
		return
	}
	l.log.Warn("a router refuses sessions because this host's clock is ahead of its own: let NTP set both",
		"router", router, "sessions", len(conns))
	if !complete || !l.clock.mayRefuse(router) {
		return
	}
	for _, conn := range conns {
		l.metrics.refused.Inc()
		l.cfg.Handler.RefuseEpoch(conn)
	}
}

func (l *Link) liveEndsLocked(ends []*linkpb.End) []*linkpb.End {
	var live []*linkpb.End
	for _, e := range ends {
		if l.table.live(e.GetConn()) != nil {
			live = append(live, e)
		}
	}
	return live
}

func (l *Link) liveLocked(conns []uint64) []uint64 {
	var live []uint64
	for _, conn := range conns {
		if l.table.live(conn) != nil {
			live = append(live, conn)
		}
	}
	return live
}

func (l *Link) onNotify(subject string, m *linkpb.NotifyBatch) {
	if !wire.ValidID(m.GetRouter()) {
		l.malformed(subject, "router")
		return
	}
	switch inc := m.GetEdgeIncarnation(); {
	case inc > l.cfg.Incarnation:
		// A newer process of this name runs: its sessions are not ours to
		// call gone.
		l.metrics.dropped.WithLabelValues(dropNewer).Add(float64(len(m.GetNotifies())))
	case inc < l.cfg.Incarnation:
		l.metrics.stale.Add(float64(len(m.GetNotifies())))
		for _, n := range m.GetNotifies() {
			l.answer(m.GetRouter(), inc, Answer{Conn: n.GetConn(), Kind: n.GetKind(), State: Gone, Version: n.GetVersion()})
		}
	default:
		l.metrics.notifies.Add(float64(len(m.GetNotifies())))
		for _, n := range m.GetNotifies() {
			tell := l.cfg.Handler.Notify
			if routing.Urgency(n.GetUrgency()) == routing.UrgencyLow {
				tell = l.cfg.Handler.NotifyCalm
			}
			l.answer(m.GetRouter(), inc, tell(n.GetConn(), m.GetRouter(), n.GetKind(), n.GetVersion(), n.GetPrevious()))
		}
	}
}
