package dispatch

import (
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
	"github.com/hawser-edge/hawser/routing/table"
)

// mEdge is an edge as the routers know it: numbered batches, beats, dumps,
// answers, and heads for sessions that every present router has echoed.
type mEdge struct {
	w        *world
	name     string
	inc      int64
	up       bool
	started  time.Time
	beatAt   time.Time
	conn     uint64
	sessions map[uint64]*mSession
	seq, sum uint64
	routers  map[*mRouter]*mPresence
}

type mPresence struct {
	inc               int64
	seen              time.Time
	complete, dumping bool
	echoed            uint64
}

type mSession struct {
	edge     *mEdge
	device   *mDevice
	conn     uint64
	epoch    int64
	bg       bool
	need     uint64
	verified bool
	asking   time.Time
	acked    map[string]int64
	notified map[string]int64
	asked    map[string]map[*mRouter]bool
}

func newMEdge(w *world, name string) *mEdge {
	e := &mEdge{w: w, name: name}
	e.boot()
	return e
}

func (e *mEdge) boot() {
	e.inc, e.up, e.started, e.beatAt = e.w.incarnation(), true, e.w.now, time.Time{}
	e.sessions, e.routers = map[uint64]*mSession{}, map[*mRouter]*mPresence{}
	e.seq, e.sum = 0, 0
}

func (e *mEdge) restart() {
	if !e.up {
		return
	}
	for _, s := range e.sessions {
		s.device.lost(s)
	}
	e.up, e.sessions = false, nil
	e.w.at(e.w.ms(10, 6000), e.boot)
}

func (e *mEdge) knows(s *mSession) bool { return e.sessions[s.conn] == s }

func (e *mEdge) step() {
	if !e.up {
		return
	}
	if e.w.now.Sub(e.beatAt) >= time.Second {
		e.beatAt = e.w.now
		e.batch(nil, nil)
	}
	// In order: that of a map would make the history depend on the run.
	for conn := uint64(1); conn <= e.conn; conn++ {
		if s := e.sessions[conn]; s != nil {
			e.verify(s)
		}
	}
}

// verify asks for heads once every router that counts has echoed.
func (e *mEdge) verify(s *mSession) {
	w := e.w
	if s.verified || w.now.Sub(e.started) < 1500*time.Millisecond || w.now.Sub(s.asking) < time.Second {
		return
	}
	complete := []*mRouter{}
	for r, p := range e.routers {
		if w.now.Sub(p.seen) >= 3*time.Second {
			continue
		}
		if (p.complete || p.dumping) && p.echoed < s.need {
			return
		}
		if p.complete && r.up && r.complete {
			complete = append(complete, r)
		}
	}
	if len(complete) == 0 {
		return
	}
	s.asking = w.now
	// The order of a map must not make the history depend on the run.
	r := complete[0]
	for _, o := range complete {
		if o.name < r.name {
			r = o
		}
	}
	r.to(func() {
		if !r.complete {
			return
		}
		heads := map[string]int64{}
		for _, kind := range []string{"k", "l"} {
			heads[kind] = w.head(s.device.id.User, kind, r.dispatched)
		}
		w.send(func() { e.onHeads(s, heads) })
	})
}

func (e *mEdge) onHeads(s *mSession, heads map[string]int64) {
	if !e.up || !e.knows(s) {
		return
	}
	s.verified = true
	for _, kind := range []string{"k", "l"} {
		s.news(kind, heads[kind])
	}
}

// batch tells every router of a change, or beats.
func (e *mEdge) batch(added *mSession, removed []uint64) {
	b := &linkpb.SessionBatch{Edge: e.name, Incarnation: e.inc, Removed: removed, NowMs: e.w.now.UnixMilli()}
	if added != nil {
		b.Added = []*linkpb.Session{added.proto()}
	}
	if added != nil || removed != nil {
		e.seq++
	}
	b.Seq, b.Count, b.Checksum = e.seq, uint64(len(e.sessions)), e.sum
	for _, r := range e.w.routers {
		r.to(func() { r.onBatch(e, b) })
	}
}

func (s *mSession) proto() *linkpb.Session {
	id := s.device.id
	return &linkpb.Session{Conn: s.conn, Tenant: id.Tenant, User: id.User, Device: id.Device, Epoch: s.epoch, Background: s.bg}
}

func (s *mSession) sum() uint64 {
	id := s.device.id
	return sessionsum.Of(s.conn, id.Tenant, id.User, id.Device, s.epoch)
}

func (e *mEdge) register(d *mDevice) *mSession {
	e.conn++
	s := &mSession{
		edge: e, device: d, conn: e.conn, epoch: d.nextEpoch(), bg: d.bg, need: e.seq + 1,
		acked: map[string]int64{}, notified: map[string]int64{}, asked: map[string]map[*mRouter]bool{},
	}
	for k, v := range d.versions {
		s.acked[k] = v
	}
	e.sessions[s.conn] = s
	e.sum += s.sum()
	e.batch(s, nil)
	return s
}

func (e *mEdge) unregister(s *mSession) {
	if !e.knows(s) {
		return
	}
	delete(e.sessions, s.conn)
	e.sum -= s.sum()
	e.batch(nil, []uint64{s.conn})
}

func (e *mEdge) presence(r *mRouter, inc int64) *mPresence {
	p := e.routers[r]
	if p == nil || p.inc < inc {
		p = &mPresence{inc: inc}
		e.routers[r] = p
	}
	if p.inc > inc {
		return nil
	}
	return p
}

func (e *mEdge) onBeat(r *mRouter, inc int64, complete bool) {
	p := e.presence(r, inc)
	if !e.up || p == nil {
		return
	}
	became := complete && (!p.complete || e.w.now.Sub(p.seen) >= 3*time.Second)
	p.seen, p.complete = e.w.now, complete
	if became {
		for _, s := range e.sessions {
			s.verified, s.asking = false, time.Time{}
		}
	}
}

func (e *mEdge) onEcho(r *mRouter, inc int64, echo table.Echo) {
	p := e.presence(r, inc)
	if !e.up || p == nil || echo.Incarnation != e.inc {
		return
	}
	p.echoed = max(p.echoed, echo.Seq)
	for _, conn := range append(echo.Superseded, echo.Refused...) {
		if s := e.sessions[conn]; s != nil {
			e.unregister(s)
			s.device.lost(s)
		}
	}
}

func (e *mEdge) onDumpRequest(r *mRouter, inc int64, id uint64) {
	p := e.presence(r, inc)
	if !e.up || p == nil {
		return
	}
	p.seen, p.dumping = e.w.now, true
	part := &linkpb.SessionDump{Edge: e.name, Incarnation: e.inc, Seq: e.seq, DumpId: id}
	var parts []*linkpb.SessionDump
	for conn := uint64(1); conn <= e.conn; conn++ {
		if s := e.sessions[conn]; s != nil {
			part.Sessions = append(part.Sessions, s.proto())
		}
		if len(part.Sessions) == 3 {
			parts = append(parts, part)
			part = &linkpb.SessionDump{Edge: e.name, Incarnation: e.inc, Seq: e.seq, DumpId: id, Part: part.Part + 1}
		}
	}
	part.Last = true
	for i, p := range append(parts, part) {
		// Far enough apart to come in order most of the time.
		e.w.at(time.Duration(i)*40*time.Millisecond, func() {
			r.to(func() {
				_, changes := r.table.TakeDump(parsed(e.w.t, p), e.w.now, nil)
				r.changed(e, changes)
			})
		})
	}
}

func parsed(t testing.TB, p *linkpb.SessionDump) *table.DumpPart {
	b, err := proto.Marshal(p)
	part := &table.DumpPart{}
	if err == nil {
		err = part.Parse(b)
	}
	if err != nil {
		t.Fatal(err)
	}
	return part
}

func (e *mEdge) onNotify(r *mRouter, inc int64, conn uint64, kind string, version int64) {
	if !e.up || inc > e.inc {
		return
	}
	s := e.sessions[conn]
	if inc < e.inc || s == nil {
		e.answer(r, inc, &linkpb.Answer{Conn: conn, Kind: kind, State: linkpb.Answer_STATE_GONE, Version: version})
		return
	}
	s.news(kind, version)
	if s.asked[kind] == nil {
		s.asked[kind] = map[*mRouter]bool{}
	}
	s.asked[kind][r] = true
	e.answer(r, inc, s.state(kind, version))
}

func (s *mSession) state(kind string, version int64) *linkpb.Answer {
	a := &linkpb.Answer{Conn: s.conn, Kind: kind, State: linkpb.Answer_STATE_IN_FLIGHT, Acked: s.acked[kind], Version: version}
	if s.acked[kind] >= version {
		a.State = linkpb.Answer_STATE_ACKED
	}
	return a
}

func (e *mEdge) answer(r *mRouter, inc int64, a *linkpb.Answer) {
	r.to(func() { r.d.Answer(e.name, inc, a, e.w.now) })
}

// news passes the newest version on, never an older one.
func (s *mSession) news(kind string, version int64) {
	if version <= max(s.acked[kind], s.notified[kind]) {
		return
	}
	s.notified[kind] = version
	s.device.hear(s, kind)
}

func (e *mEdge) onAck(s *mSession, kind string, version int64) {
	if !e.up || !e.knows(s) {
		return
	}
	s.acked[kind] = max(s.acked[kind], version)
	for _, r := range e.w.routers {
		if s.asked[kind][r] {
			e.answer(r, e.inc, s.state(kind, max(version, s.notified[kind])))
		}
	}
}
