package router

import (
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// maxEnds bounds the sessions that one echo asks to end: the rest is asked
	// for with the next, at the latest a second later.
	maxEnds = 256
	// doubtfulEnds is how many echoes ask to end a session of which only its
	// edge knows whether it is over.
	doubtfulEnds = 10
)

// ends are the sessions that edges are asked to end. Owned by the loop.
type ends struct {
	edges map[string]map[uint64]*ending
}

// ending is one of them.
type ending struct {
	incarnation int64
	ask         *linkpb.End
	// left is how many more times to ask; sure: until the session has ended.
	sure bool
	left int
}

func (e *ends) add(s table.Session, ask *linkpb.End, sure bool) {
	edge, incarnation := s.Edge()
	if e.edges[edge] == nil {
		e.edges[edge] = make(map[uint64]*ending)
	}
	ask.Conn = s.Conn
	e.edges[edge][s.Conn] = &ending{incarnation: incarnation, ask: ask, sure: sure, left: doubtfulEnds}
}

// ask returns what to ask of an edge, and forgets what has ended.
func (e *ends) ask(edge string, t *table.Table) []*linkpb.End {
	waiting := e.edges[edge]
	var out []*linkpb.End
	for conn, x := range waiting {
		if len(out) == maxEnds {
			break // in an order of the map's: the others come next
		}
		s, _ := t.Session(edge, x.incarnation, conn)
		if !s.Exists() || !x.sure && x.left == 0 {
			delete(waiting, conn)
			continue
		}
		x.left--
		out = append(out, x.ask)
	}
	if len(waiting) == 0 {
		delete(e.edges, edge)
	}
	return out
}

// forget drops what an edge that was lost was asked.
func (e *ends) forget(edge string) { delete(e.edges, edge) }

// takeCutoff ends the sessions that a backend has just ended.
func (l *loop) takeCutoff(id table.DeviceID, c *linkpb.Cutoff) {
	if c == nil {
		return
	}
	if id.Device != "" {
		l.cut(id.UserID, l.table.Device(id), c)
		return
	}
	for _, d := range l.table.Devices(nil, id.UserID) {
		l.cut(id.UserID, d, c)
	}
}

// cut asks for the end of a device's session if it is over, or may be: when a
// session's token was issued, only its edge knows.
func (l *loop) cut(user table.UserID, d table.Device, c *linkpb.Cutoff) {
	over := d.Session.Exists() && d.Session.Epoch <= c.GetSessionsMs()
	if !d.Session.Exists() || !over && c.GetTokensS() == 0 {
		return
	}
	l.ends.add(d.Session, &linkpb.End{Cutoff: c}, over)
	edge, _ := d.Session.Edge()
	l.echo[edge] = true
}

// cutNew ends a session that had been over before it was heard of. One whose
// token is over is found when its edge asks for heads: see serveHeads.
func (l *loop) cutNew(c table.Change) {
	cut := l.r.cutoffs.of(c.Device)
	if cut == nil || !c.New || c.Session.Epoch > cut.GetSessionsMs() {
		return
	}
	l.ends.add(c.Session, &linkpb.End{Cutoff: cut}, true)
}
