package table

import (
	"errors"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// edge is the other end: what an edge holds and says.
type edge struct {
	name     string
	inc      int64
	seq      uint64
	sessions map[uint64]*linkpb.Session
}

func newEdge(name string, inc int64) *edge {
	return &edge{name: name, inc: inc, sessions: map[uint64]*linkpb.Session{}}
}

func says(conn uint64, user, device string, epoch int64) *linkpb.Session {
	return &linkpb.Session{Conn: conn, Tenant: "t", User: user, Device: device, Epoch: epoch}
}

func (e *edge) batch(added []*linkpb.Session, removed ...uint64) *linkpb.SessionBatch {
	for _, s := range added {
		e.sessions[s.GetConn()] = s
	}
	for _, c := range removed {
		delete(e.sessions, c)
	}
	if len(added)+len(removed) > 0 {
		e.seq++
	}
	b := &linkpb.SessionBatch{Edge: e.name, Incarnation: e.inc, Seq: e.seq, Added: added, Removed: removed, Count: uint64(len(e.sessions))}
	for _, s := range e.sessions {
		b.Checksum += sessionsum.Of(s.GetConn(), s.GetTenant(), s.GetUser(), s.GetDevice(), s.GetEpoch())
	}
	return b
}

func (e *edge) add(s ...*linkpb.Session) *linkpb.SessionBatch { return e.batch(s) }

func (e *edge) beat() *linkpb.SessionBatch { return e.batch(nil) }

func (e *edge) dump(id uint64, perPart int) []*DumpPart {
	p := &linkpb.SessionDump{Edge: e.name, Incarnation: e.inc, Seq: e.seq, DumpId: id}
	var parts []*DumpPart
	for _, s := range e.sessions {
		if len(p.Sessions) == perPart {
			parts = append(parts, parsed(p))
			p = &linkpb.SessionDump{Edge: e.name, Incarnation: e.inc, Seq: e.seq, DumpId: id, Part: p.Part + 1}
		}
		p.Sessions = append(p.Sessions, s)
	}
	p.Last = true
	return append(parts, parsed(p))
}

// parsed is a part as it arrives.
func parsed(p *linkpb.SessionDump) *DumpPart {
	b, err := proto.Marshal(p)
	part := &DumpPart{}
	if err = errors.Join(err, part.Parse(b)); err != nil {
		panic(err)
	}
	return part
}
