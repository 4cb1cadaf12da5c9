package edgelink_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// script is a router as the edge sees one. It keeps its sessions like a real
// one: a gap, or a sum that differs, makes it ask for a dump.
type script struct {
	t    *testing.T
	nc   *nats.Conn
	name string
	inc  int64

	mu sync.Mutex
	// Guarded by mu. What the router does:
	silent   bool // does not beat
	complete bool
	mute     bool // does not echo
	deaf     int  // loses that many batches
	headsErr error
	ahead    time.Duration // of its clock
	// What it knows:
	known    bool
	edgeInc  int64
	seq      uint64
	sessions map[uint64]*linkpb.Session
	dumpID   uint64 // of the dump that is waited for
	asked    time.Time
	parts    []*linkpb.Session
	later    []*linkpb.SessionBatch
	dumps    int
	// sums are the edge's claims by batch number.
	sums map[uint64][2]uint64
	// What it was asked and told:
	headsAsked map[string]int // by user
	answers    []*linkpb.AnswerBatch
}

// router starts a complete router; change is applied before its first beat.
func (e *env) router(name string, inc int64, change func(*script)) *script {
	e.t.Helper()
	r := &script{
		t: e.t, nc: e.srv.Conn(routing.RoleRouter, name), name: name, inc: inc, complete: true,
		sessions: map[uint64]*linkpb.Session{}, sums: map[uint64][2]uint64{}, headsAsked: map[string]int{},
	}
	if change != nil {
		change(r)
	}
	subscribe(r, routing.SessionsAll, r.onBatch)
	subscribe(r, routing.DumpsTo(name), r.onDump)
	subscribe(r, routing.AnswersTo(name), func(m *linkpb.AnswerBatch) { r.answers = append(r.answers, m) })
	if _, err := r.nc.QueueSubscribe(routing.HeadsAll, routing.QueueRouters, r.onHeads); err != nil {
		e.t.Fatal(err)
	}
	if _, err := r.nc.Subscribe(routing.AtRouter(name, routing.HeadsAll), r.onHeads); err != nil {
		e.t.Fatal(err)
	}
	if err := r.nc.Flush(); err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { r.beatAll(ctx) })
	e.t.Cleanup(func() { cancel(); wg.Wait() })
	return r
}

func subscribe[M any, P interface {
	*M
	proto.Message
}](r *script, subject string, handle func(P)) {
	_, err := r.nc.Subscribe(subject, func(msg *nats.Msg) {
		m := P(new(M))
		if err := proto.Unmarshal(msg.Data, m); err != nil {
			r.t.Error(err)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		handle(m)
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *script) beatAll(ctx context.Context) {
	tick := time.NewTicker(timing.Beat)
	defer tick.Stop()
	for ; ctx.Err() == nil; <-tick.C {
		r.do(func() {
			if !r.silent {
				r.send(routing.BeatSubject(r.name), &linkpb.RouterBeat{
					Router: r.name, Incarnation: r.inc, Complete: r.complete, NowMs: time.Now().Add(r.ahead).UnixMilli(),
				})
			}
		})
	}
}

func (r *script) send(subject string, m proto.Message) {
	data, err := proto.Marshal(m)
	if err != nil {
		r.t.Error(err)
	}
	_ = r.nc.Publish(subject, data) // NATS is away in some tests
}

// do runs f with the script's lock.
func (r *script) do(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

func (r *script) onBatch(b *linkpb.SessionBatch) {
	if r.deaf > 0 {
		r.deaf--
		return
	}
	if b.GetIncarnation() != r.edgeInc {
		r.known, r.edgeInc, r.dumpID = false, b.GetIncarnation(), 0
	}
	r.sums[b.GetSeq()] = [2]uint64{b.GetCount(), b.GetChecksum()}
	if r.dumpID != 0 && time.Since(r.asked) < time.Second {
		r.later = append(r.later, b)
		return
	}
	r.apply(b)
	r.echo()
}

// apply follows a batch, or asks for a dump.
func (r *script) apply(b *linkpb.SessionBatch) {
	beat := len(b.GetAdded())+len(b.GetRemoved()) == 0
	switch {
	case !r.known, b.GetSeq() > r.seq+1, beat && b.GetSeq() != r.seq:
		r.askDump()
		return
	case !beat && b.GetSeq() <= r.seq:
		return
	}
	r.seq = b.GetSeq()
	for _, s := range b.GetAdded() {
		r.sessions[s.GetConn()] = s
	}
	for _, c := range b.GetRemoved() {
		delete(r.sessions, c)
	}
	if r.sum() != [2]uint64{b.GetCount(), b.GetChecksum()} {
		r.askDump()
	}
}

func (r *script) askDump() {
	r.known, r.later, r.parts = false, nil, nil
	r.asked = time.Now()
	r.dumpID = uint64(r.asked.UnixNano())
	r.send(routing.DumpRequestSubject("e1"), &linkpb.DumpRequest{
		Router: r.name, RouterIncarnation: r.inc, DumpId: r.dumpID,
	})
}

func (r *script) onDump(d *linkpb.SessionDump) {
	r.asked = time.Now() // an edge that is at work, however slowly, is not asked again
	if d.GetDumpId() != r.dumpID {
		return
	}
	r.parts = append(r.parts, d.GetSessions()...)
	if !d.GetLast() {
		return
	}
	r.dumps++
	r.dumpID, r.known, r.seq = 0, true, d.GetSeq()
	r.sessions = map[uint64]*linkpb.Session{}
	for _, s := range r.parts {
		r.sessions[s.GetConn()] = s
	}
	if want, ok := r.sums[d.GetSeq()]; ok && r.sum() != want {
		r.t.Errorf("the dump at %d has count and sum %v, the batches said %v", d.GetSeq(), r.sum(), want)
	}
	later := r.later
	r.later = nil
	for _, b := range later {
		if r.known && b.GetSeq() > r.seq {
			r.apply(b)
		}
	}
	r.echo()
}

func (r *script) sum() [2]uint64 {
	var sum uint64
	for _, s := range r.sessions {
		sum += sessionsum.Of(s.GetConn(), s.GetTenant(), s.GetUser(), s.GetDevice(), s.GetEpoch())
	}
	return [2]uint64{uint64(len(r.sessions)), sum}
}

func (r *script) echo() {
	if r.known && !r.mute {
		r.sendEcho(&linkpb.Echo{})
	}
}

func (r *script) sendEcho(m *linkpb.Echo) {
	m.Router, m.RouterIncarnation, m.Seq = r.name, r.inc, r.seq
	if m.EdgeIncarnation == 0 {
		m.EdgeIncarnation = r.edgeInc
	}
	r.send(routing.EchoSubject("e1"), m)
}

var errSilent = errors.New("does not answer")

func (r *script) onHeads(msg *nats.Msg) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var req linkpb.HeadsRequest
	if err := proto.Unmarshal(msg.Data, &req); err != nil {
		r.t.Error(err)
	}
	if len(req.GetUsers()) > 256 {
		r.t.Errorf("heads of %d users were asked for in one request", len(req.GetUsers()))
	}
	resp := &linkpb.HeadsResponse{}
	for _, u := range req.GetUsers() {
		r.headsAsked[u.GetUser()]++
		resp.Users = append(resp.Users, &linkpb.Heads{Heads: []*linkpb.Head{{Kind: "messages", Version: headOf(u.GetUser())}}})
	}
	switch {
	case errors.Is(r.headsErr, errSilent):
		return
	case r.headsErr != nil:
		resp.Error = r.headsErr.Error()
	}
	r.send(msg.Reply, resp)
}

// headOf makes a version from a user's name, so that mixed-up answers show.
func headOf(user string) int64 {
	v := int64(1)
	for _, c := range user {
		v = v*31%1_000_003 + int64(c)
	}
	return v
}

func (r *script) asks(user string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.headsAsked[user]
}

// conns returns the sessions that the router knows of, by their users; ok is
// false where it does not know the edge.
func (r *script) conns() (m map[uint64]string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	m = map[uint64]string{}
	for c, s := range r.sessions {
		m[c] = s.GetUser()
	}
	return m, r.known
}

// follows waits until the router knows exactly these sessions.
func (r *script) follows(want map[uint64]string) {
	r.t.Helper()
	eventually(r.t, func() bool {
		m, ok := r.conns()
		return ok && maps.Equal(m, want)
	}, func() any {
		m, ok := r.conns()
		return []any{ok, len(m), len(want)}
	})
}

func (r *script) notify(inc int64, conns ...uint64) {
	b := &linkpb.NotifyBatch{Router: r.name, EdgeIncarnation: inc}
	for _, c := range conns {
		b.Notifies = append(b.Notifies, &linkpb.Notify{Conn: c, Kind: "messages", Version: 9, Previous: 8})
	}
	r.do(func() { r.send(routing.NotifySubject("e1"), b) })
}

func eventually(t *testing.T, ok func() bool, detail func() any) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); {
		if time.Now().After(deadline) {
			t.Fatalf("did not happen: %v", detail())
		}
		time.Sleep(5 * time.Millisecond)
	}
}
