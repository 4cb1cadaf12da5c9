package router

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/sessionsum"
)

// thief speaks with the credentials of the edge e2, and says what it likes.
type thief struct {
	t           *testing.T
	nc          *nats.Conn
	incarnation int64
	seq, sum    uint64
	heard       *nats.Subscription
}

func newThief(e *env) *thief {
	e.t.Helper()
	nc := e.srv.Conn(routing.RoleEdge, "e2", nats.CustomInboxPrefix(routing.InboxPrefix(routing.RoleEdge, "e2")))
	heard, err := nc.SubscribeSync(routing.NotifySubject("e2"))
	if err != nil {
		e.t.Fatal(err)
	}
	return &thief{t: e.t, nc: nc, incarnation: time.Now().UnixMilli(), heard: heard}
}

func (th *thief) send(subject string, m proto.Message) {
	th.t.Helper()
	b, err := proto.Marshal(m)
	if err != nil {
		th.t.Fatal(err)
	}
	if err := th.nc.Publish(subject, b); err != nil {
		th.t.Fatal(err)
	}
	if err := th.nc.Flush(); err != nil {
		th.t.Fatal(err)
	}
}

// register tells of one more session.
func (th *thief) register(s *linkpb.Session) {
	th.t.Helper()
	th.seq++
	th.sum += sessionsum.Of(s.GetConn(), s.GetTenant(), s.GetUser(), s.GetDevice(), s.GetEpoch())
	th.send(routing.SessionsSubject("e2"), &linkpb.SessionBatch{
		Edge: "e2", Incarnation: th.incarnation, Seq: th.seq, Added: []*linkpb.Session{s}, Count: th.seq, Checksum: th.sum, NowMs: time.Now().UnixMilli(),
	})
}

func (th *thief) answer(a *linkpb.Answer) {
	th.t.Helper()
	th.send(routing.AnswerSubject("r1", "e2"), &linkpb.AnswerBatch{Edge: "e2", Incarnation: th.incarnation, Answers: []*linkpb.Answer{a}})
}

// hears waits for a notify of at least this version.
func (th *thief) hears(version int64) bool {
	th.t.Helper()
	for deadline := time.Now().Add(5 * time.Second); time.Now().Before(deadline); {
		m, err := th.heard.NextMsg(time.Until(deadline))
		if err != nil {
			return false
		}
		var b linkpb.NotifyBatch
		if err := proto.Unmarshal(m.Data, &b); err != nil {
			th.t.Fatal(err)
		}
		for _, n := range b.GetNotifies() {
			if n.GetVersion() >= version {
				return true
			}
		}
	}
	return false
}

func TestStolenEdgeCannotAcknowledgeForAnother(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	conn := h.connect("u1", "d1", true)
	h.put("u1", "d1", "token", r)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	th := newThief(e)
	version := e.publish("u1", "messages")
	eventually(t, "the device is notified", func() bool { return h.heard(conn, "messages") == version })
	forged := &linkpb.Answer{Conn: conn, Kind: "messages", State: linkpb.Answer_STATE_ACKED, Acked: version, Version: version}
	th.answer(forged)
	th.send(routing.AnswerSubject("r1", "e2"), &linkpb.AnswerBatch{Edge: "e1", Incarnation: th.incarnation, Answers: []*linkpb.Answer{forged}})
	eventually(t, "both are counted", func() bool {
		return r.metrics.totals.Load().AnswersUnknown == 1 && testutil.ToFloat64(r.metrics.malformed.WithLabelValues(malformedCore)) == 1
	})
	eventually(t, "the silent device is pushed all the same", func() bool { return r.metrics.totals.Load().Pushed == 1 })
}

func TestStolenEdgeCannotUseEpochsBeyondTheBound(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	conn := h.connect("u1", "d1", false)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	th := newThief(e)
	th.register(&linkpb.Session{Conn: 1, Tenant: tenant, User: "u1", Device: "d1", Epoch: time.Now().Add(time.Hour).UnixMilli()})
	eventually(t, "it is refused and counted", func() bool {
		return testutil.ToFloat64(r.metrics.refused.WithLabelValues(refusedEpoch)) == 1
	})
	version := e.publish("u1", "messages")
	eventually(t, "the device hears at its own edge", func() bool { return h.heard(conn, "messages") == version })
}

// What a stolen edge can do is seen: who draws a device away is counted.
func TestTakeoversAreCounted(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	conn := h.connect("u1", "d1", false)
	eventually(t, "the session is known", func() bool { return r.metrics.totals.Load().sessions == 1 })
	newThief(e).register(&linkpb.Session{Conn: 1, Tenant: tenant, User: "u1", Device: "d1", Epoch: time.Now().Add(time.Second).UnixMilli()})
	eventually(t, "the takeover is counted", func() bool {
		return testutil.ToFloat64(r.metrics.takeovers.WithLabelValues("e2")) == 1
	})
	eventually(t, "the device is told", func() bool { return h.wasSuperseded(conn) })
	if n := testutil.ToFloat64(r.metrics.takeovers.WithLabelValues("e1")); n != 0 {
		t.Errorf("e1 took over %v", n)
	}
}

// An acknowledgement counts for what was published, not for what is to come.
func TestStolenEdgeCannotAcknowledgeAhead(t *testing.T) {
	e := newEnv(t)
	r := e.readyRouter("r1", Hooks{})
	h := e.edge("e1")
	h.connect("u1", "silent", true) // it keeps the user's events open
	th := newThief(e)
	th.register(&linkpb.Session{Conn: 1, Tenant: tenant, User: "u1", Device: "d1", Epoch: time.Now().UnixMilli()})
	eventually(t, "the sessions are known", func() bool { return r.metrics.totals.Load().sessions == 2 })
	first := e.publish("u1", "messages")
	if !th.hears(first) {
		t.Fatal("the first event was not heard")
	}
	th.answer(&linkpb.Answer{Conn: 1, Kind: "messages", State: linkpb.Answer_STATE_ACKED, Acked: wire.MaxVersion, Version: wire.MaxVersion})
	eventually(t, "it is counted", func() bool { return r.metrics.totals.Load().AnswersAhead == 1 })
	if second := e.publish("u1", "messages"); !th.hears(second) {
		t.Error("the second event was taken for acknowledged before it was published")
	}
}

func TestEdgeServesItsTenantsOnly(t *testing.T) {
	e := newEnv(t)
	conn := e.srv.Conn(routing.RoleRouter, "r1")
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	strict, err := New(Config{
		Name: "r1", Conn: conn, JS: js, Catalog: e.cat, AckWait: 2 * time.Second, Listen: 400 * time.Millisecond,
		EdgeTenants: map[string][]string{"e2": {"globex"}}, Log: discard(),
	})
	if err != nil {
		t.Fatal(err)
	}
	r := e.start(strict)
	eventually(t, "the router is ready", r.Ready)
	h := e.edge("e1")
	h.connect("u1", "d1", false)
	th := newThief(e)
	th.register(&linkpb.Session{Conn: 1, Tenant: tenant, User: "u1", Device: "d1", Epoch: time.Now().Add(time.Second).UnixMilli()})
	refused := func() float64 { return testutil.ToFloat64(r.metrics.refused.WithLabelValues(refusedTenant)) }
	eventually(t, "the session is refused", func() bool { return refused() == 1 })
	th.send(routing.DumpSubject("r1", "e2"), &linkpb.SessionDump{
		Edge: "e2", Incarnation: th.incarnation, Last: true, Sessions: []*linkpb.Session{{Conn: 1, Tenant: tenant, User: "u1", Device: "d1", Epoch: 1}},
	})
	eventually(t, "the dump is refused", func() bool { return refused() == 2 })
	b, err := proto.Marshal(&linkpb.HeadsRequest{Users: []*linkpb.HeadsRequest_User{{Tenant: tenant, User: "u1"}}})
	if err != nil {
		t.Fatal(err)
	}
	m, err := th.nc.Request(routing.HeadsSubject("e2"), b, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	var resp linkpb.HeadsResponse
	if err := proto.Unmarshal(m.Data, &resp); err != nil || resp.GetError() == "" || len(resp.GetUsers()) > 0 {
		t.Errorf("heads of another tenant: %v, %v", &resp, err)
	}
	if n := testutil.ToFloat64(r.metrics.takeovers.WithLabelValues("e2")); n != 0 || refused() != 3 {
		t.Errorf("%v takeovers, %v refused", n, refused())
	}
}
