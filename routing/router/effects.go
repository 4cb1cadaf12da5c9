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
	// refused are jobs that found the queue full.
	refused []dispatch.Job
	// asked are the open requests of the push role, by id.
	asked  map[uint64]*nats.Msg
	nextID uint64
}

func (e *effects) Notify(s table.Session, kind string, version int64) {
	edge, incarnation := s.Edge()
	e.out.add(edge, incarnation, &linkpb.Notify{Conn: s.Conn, Kind: kind, Version: version})
}

func (e *effects) Away(d table.DeviceID, kind string, version int64) {
	if hook := e.r.cfg.Hooks.BetweenLookupAndPush; hook != nil {
		hook(away(d, kind, version))
	}
}

func (e *effects) Store(j dispatch.Job) {
	select {
	case e.r.jobs <- j:
	default:
		e.refused = append(e.refused, j)
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
