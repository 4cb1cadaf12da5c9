package router

import (
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// batchBytes is the size from which a batch of notifies is sent: messages of
// about 1 kB are cheapest a byte.
const batchBytes = 1200

// outbox gathers notifies by edge while the loop has work, so that they
// travel together; nothing waits for company. Owned by the loop.
type outbox struct {
	r     *Router
	edges map[string]*outgoing
}

type outgoing struct {
	batch *linkpb.NotifyBatch
	bytes int
	// at is where a session's kind stands in the batch: a newer version
	// takes the place of the older one.
	at map[slot]int
}

type slot struct {
	conn uint64
	kind string
}

func (o *outbox) add(edge string, incarnation int64, n *linkpb.Notify) {
	g := o.edges[edge]
	if g != nil && g.batch.EdgeIncarnation != incarnation {
		o.send(edge, g)
		g = nil
	}
	if g == nil {
		g = &outgoing{
			batch: &linkpb.NotifyBatch{Router: o.r.cfg.Name, EdgeIncarnation: incarnation},
			at:    make(map[slot]int),
		}
		o.edges[edge] = g
	}
	key := slot{n.GetConn(), n.GetKind()}
	if i, ok := g.at[key]; ok {
		was := g.batch.Notifies[i]
		was.Version, was.Urgency = max(was.Version, n.GetVersion()), max(was.Urgency, n.GetUrgency())
		return
	}
	g.at[key] = len(g.batch.Notifies)
	g.batch.Notifies = append(g.batch.Notifies, n)
	if g.bytes += proto.Size(n) + 2; g.bytes >= batchBytes {
		o.send(edge, g)
	}
}

func (o *outbox) send(edge string, g *outgoing) {
	delete(o.edges, edge)
	o.r.publish(routing.NotifySubject(edge), g.batch)
}

func (o *outbox) flush() {
	for edge, g := range o.edges {
		o.send(edge, g)
	}
}
