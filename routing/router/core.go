package router

import (
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// takeCore takes in what an edge says. The edge's name in the subject is
// vouched for by its permissions; another name in the body is refused.
func (l *loop) takeCore(m *nats.Msg, now time.Time) {
	edge, err := routing.Sender(m.Subject)
	if err != nil {
		l.malformed(m.Subject)
		return
	}
	switch m.Subject {
	case routing.BeatSubject(edge):
		l.takeBeat(edge, m, now)
	case routing.SessionsSubject(edge):
		l.takeBatch(edge, m, now)
	case routing.AnswerSubject(l.r.cfg.Name, edge):
		l.takeAnswers(edge, m, now)
	case routing.DumpSubject(l.r.cfg.Name, edge):
		l.takeDump(edge, m, now)
	default:
		l.malformed(m.Subject)
	}
}

func (l *loop) malformed(subject string) {
	l.r.metrics.malformed.WithLabelValues(malformedCore).Inc()
	l.r.cfg.Log.Warn("message of an edge dropped as malformed", "subject", subject)
}

func (l *loop) takeBatch(edge string, m *nats.Msg, now time.Time) {
	b := &linkpb.SessionBatch{} // the table may keep it
	if proto.Unmarshal(m.Data, b) != nil || b.GetEdge() != edge {
		l.malformed(m.Subject)
		return
	}
	if !l.guard.batch(edge, b) {
		return
	}
	l.clock.edge(b, now)
	var result table.BatchResult
	result, l.changes = l.table.Apply(b, now, l.changes[:0])
	l.r.metrics.batches[result].Inc()
	if result == table.Unknown {
		l.appeared(edge, now)
	}
	l.tell(edge, now)
}

func (l *loop) takeDump(edge string, m *nats.Msg, now time.Time) {
	p := &l.part
	if p.Parse(m.Data) != nil || p.Edge != edge {
		l.malformed(m.Subject)
		return
	}
	if !l.guard.dump(edge, p) {
		return
	}
	var whole bool
	if whole, l.changes = l.table.TakeDump(p, now, l.changes[:0]); whole {
		l.r.metrics.dumps.Inc()
	}
	l.tell(edge, now)
	if p.Last {
		l.judge(now)
	}
}

// tell passes on what changed before the edge is told that it is known.
func (l *loop) tell(edge string, now time.Time) {
	l.guard.changed(edge, l.changes, l.table.Refusals(), now)
	for _, c := range l.changes {
		l.d.Changed(c, now)
		l.cutNew(c)
		l.follow(c, now)
		l.limit(c, now)
	}
	l.echo[edge] = true
}

func (l *loop) takeAnswers(edge string, m *nats.Msg, now time.Time) {
	b := &linkpb.AnswerBatch{}
	if proto.Unmarshal(m.Data, b) != nil || b.GetEdge() != edge {
		l.malformed(m.Subject)
		return
	}
	for _, a := range b.GetAnswers() {
		l.d.Answer(edge, b.GetIncarnation(), a, now)
	}
}

func (l *loop) takeCheck(m *nats.Msg, now time.Time) {
	var req linkpb.CheckRequest
	err := proto.Unmarshal(m.Data, &req)
	if err = errors.Join(err, wire.CheckID("kind", req.GetKind()), wire.CheckVersion(req.GetVersion())); err != nil {
		l.r.metrics.malformed.WithLabelValues(malformedRequest).Inc()
		return
	}
	if !l.settled {
		l.r.respond(m, &linkpb.CheckResponse{State: linkpb.CheckResponse_STATE_UNSPECIFIED})
		return
	}
	l.fx.nextID++
	l.fx.asked[l.fx.nextID] = m
	id := table.ID(req.GetTenant(), req.GetUser(), req.GetDevice())
	l.d.Check(l.fx.nextID, id, req.GetKind(), req.GetVersion(), routing.Urgency(req.GetUrgency()), now)
}

// flushEchoes tells each edge that was heard how far the table follows it.
// The notifies of what its batches changed went before.
func (l *loop) flushEchoes() {
	for edge := range l.echo {
		delete(l.echo, edge)
		e, ok := l.table.Echo(edge)
		if !ok {
			continue
		}
		l.r.publish(routing.EchoSubject(edge), &linkpb.Echo{
			Router: l.r.cfg.Name, RouterIncarnation: l.r.cfg.Incarnation,
			EdgeIncarnation: e.Incarnation, Seq: e.Seq, Superseded: e.Superseded, Refused: e.Refused, Ends: l.ends.ask(edge, l.table),
		})
	}
}

func (l *loop) askDumps(now time.Time) {
	for _, n := range l.table.DumpNeeds(now) {
		l.r.metrics.dumpsAsked.Inc()
		l.r.publish(routing.DumpRequestSubject(n.Edge), &linkpb.DumpRequest{
			Router: l.r.cfg.Name, RouterIncarnation: l.r.cfg.Incarnation, DumpId: n.ID,
		})
	}
}
