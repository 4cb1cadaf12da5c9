package router

import (
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/dispatch"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// deferFor is how long the log keeps an event that there is no place for, and
// up to twice as long: they must not come back together.
const deferFor = 3 * time.Second

// effects carries out what the dispatcher calls for. Owned by the loop.
type effects struct {
	r   *Router
	out *outbox
	// urgent and jobs wait for room in the queue of what is to be stored,
	// together at most maxWaiting; refused are those beyond it.
	urgent, jobs jobList
	refused      []dispatch.Job
	maxWaiting   int
	// asked are the open requests of the push role, by id.
	asked  map[uint64]*nats.Msg
	nextID uint64
}

func (e *effects) Notify(s table.Session, kind string, version int64, u routing.Urgency) {
	edge, incarnation := s.Edge()
	e.out.add(edge, incarnation, &linkpb.Notify{Conn: s.Conn, Kind: kind, Version: version, Urgency: int32(u)})
}

func (e *effects) Away(d table.DeviceID, kind string, version int64) {
	if hook := e.r.cfg.Hooks.BetweenLookupAndPush; hook != nil {
		hook(away(d, kind, version))
	}
}

func (e *effects) Store(j dispatch.Job) {
	if !j.Deadline.IsZero() {
		e.r.metrics.lateness.Observe(time.Since(j.Deadline).Seconds())
	}
	switch {
	case e.waiting() >= e.maxWaiting:
		e.refused = append(e.refused, j)
	case j.Urgency == routing.UrgencyHigh:
		e.urgent.add(j)
	default:
		e.jobs.add(j)
	}
}

func (e *effects) waiting() int { return e.urgent.count + e.jobs.count }

// forget leaves what waits to whoever has the events next.
func (e *effects) forget() { e.urgent, e.jobs = jobList{}, jobList{} }

// handOn gives jobs on to be stored, as far as there is room: what is urgent
// does not wait behind the rest.
func (e *effects) handOn() {
	if e.urgent.offer(e.r.jobs); e.urgent.count == 0 {
		e.jobs.offer(e.r.jobs)
	}
}

func (e *effects) Remove(d table.DeviceID, kind string, version int64) {
	select {
	case e.r.unneeded <- Away{Tenant: d.Tenant, User: d.User, Device: d.Device, Kind: kind, Version: version}:
	default: // its push tells the device nothing new
		e.r.metrics.dropped.WithLabelValues(dropRemoval).Inc()
	}
}

// The log hears of a lost connection by itself: what is not acknowledged is
// delivered again.

func (e *effects) Ack(r any)      { _ = r.(receipt).msg.Ack() }
func (e *effects) Nak(r any)      { _ = r.(receipt).msg.Nak() }
func (e *effects) Defer(r any)    { _ = r.(receipt).msg.NakWithDelay(deferFor + rand.N(deferFor)) }
func (e *effects) Progress(r any) { _ = r.(receipt).msg.InProgress() }

func (e *effects) Checked(id uint64, state linkpb.CheckResponse_State) {
	m := e.asked[id]
	delete(e.asked, id)
	if m != nil {
		e.r.respond(m, &linkpb.CheckResponse{State: state})
	}
}

func away(d table.DeviceID, kind string, version int64) Away {
	return Away{Tenant: d.Tenant, User: d.User, Device: d.Device, Kind: kind, Version: version}
}

// respond answers a request, unless it names a reply that is none of ours.
func (r *Router) respond(m *nats.Msg, answer proto.Message) {
	if !routing.SafeReply(m.Reply) {
		r.metrics.malformed.WithLabelValues(malformedReply).Inc()
		return
	}
	r.publish(m.Reply, answer)
}

// publish sends a core message. Whatever is lost here is repaired by being
// asked or told again.
func (r *Router) publish(subject string, m proto.Message) {
	b, err := proto.Marshal(m)
	if err == nil {
		err = r.cfg.Conn.Publish(subject, b)
	}
	if err != nil {
		r.metrics.dropped.WithLabelValues(dropPublish).Inc()
		r.cfg.Log.Debug("message to an edge lost", "subject", subject, "error", err)
	}
}
