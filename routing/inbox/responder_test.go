package inbox_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/inbox"
)

func contextFor(t testing.TB, d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t.Context(), d)
}

// tokens reads a token of the form tenant/user/device.
type tokens struct{}

func (tokens) Verify(token string) (tenant, user, device string, err error) {
	p := strings.Split(token, "/")
	if len(p) != 3 {
		return "", "", "", errors.New("forged")
	}
	return p[0], p[1], p[2], nil
}

func (r *rig) respond(cfg inbox.ResponderConfig) {
	r.t.Helper()
	cfg.Conn, cfg.Reader, cfg.Catalog, cfg.Verifier = r.nc, r.reader, r.cat, tokens{}
	cfg.Log = slog.New(slog.DiscardHandler)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- inbox.NewResponder(cfg).Run(ctx) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
}

// ask makes a sync request as an edge.
func (r *rig) ask(nc *nats.Conn, tenant, kind, token string, req *wirepb.SyncRequest) *nats.Msg {
	r.t.Helper()
	body, err := proto.Marshal(req)
	if err != nil {
		r.t.Fatal(err)
	}
	m := &nats.Msg{Subject: routing.SyncSubject(tenant, kind), Data: body, Header: nats.Header{
		routing.HeaderToken: {token}, routing.HeaderUser: {"victim"}, routing.HeaderDeadlineMs: {"2000"}}}
	for {
		resp, err := nc.RequestMsg(m, 5*time.Second)
		if errors.Is(err, nats.ErrNoResponders) {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if err != nil {
			r.t.Fatal(err)
		}
		return resp
	}
}

func TestResponder(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	v := r.put("acme", "u1", "messages", 0, []byte("mine"))
	r.put("acme", "victim", "messages", 0, []byte("secret"))
	r.respond(inbox.ResponderConfig{Floor: func(string, string, string) (uint64, uint64) { return uint64(v), uint64(v) }})
	edge := r.srv.Conn(routing.RoleEdge, "hk1")
	m := r.ask(edge, "acme", "messages", "acme/u1/d1", &wirepb.SyncRequest{})
	var resp wirepb.SyncResponse
	if err := proto.Unmarshal(m.Data, &resp); err != nil {
		t.Fatal(err)
	}
	if len(resp.GetItems()) != 1 || string(resp.GetItems()[0].GetData()) != "mine" || resp.GetHead() != v {
		t.Errorf("got %v: the user must be the token's, not the header's", &resp)
	}
	for _, tt := range []struct {
		name, tenant, token string
		since               int64
		code                string
	}{
		{"forged", "acme", "forged", 0, "401"},
		{"no token", "acme", "", 0, "401"},
		{"another tenant's", "globex", "acme/u1/d1", 0, "403"},
		{"negative", "acme", "acme/u1/d1", -1, "400"},
	} {
		m := r.ask(edge, tt.tenant, "messages", tt.token, &wirepb.SyncRequest{Since: tt.since})
		if got := m.Header.Get(routing.HeaderServiceErrorCode); got != tt.code || m.Header.Get(routing.HeaderServiceError) == "" {
			t.Errorf("%s: code %q, want %s", tt.name, got, tt.code)
		}
	}
	if _, err := edge.Request(routing.SyncSubject("acme", "orders"), nil, time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a kind that the backend numbers: %v", err)
	}
}

// An edge must not make a router write where the edge may not.
func TestResponderRefusesForeignReplies(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	r.respond(inbox.ResponderConfig{})
	edge := r.srv.Conn(routing.RoleEdge, "hk1")
	r.ask(edge, "acme", "messages", "acme/u1/d1", &wirepb.SyncRequest{})
	for _, token := range []string{"acme/u1/d1", "forged"} {
		m := &nats.Msg{Subject: routing.SyncSubject("acme", "messages"), Reply: routing.InboxSubject("acme", "victim", "messages"),
			Header: nats.Header{routing.HeaderToken: {token}}}
		if err := edge.PublishMsg(m); err != nil {
			t.Fatal(err)
		}
	}
	r.ask(edge, "acme", "messages", "acme/u1/d1", &wirepb.SyncRequest{})
	if p := r.since("victim", 0, inbox.Limits{}); p.Head != 0 {
		t.Errorf("the responder wrote to another's log: %+v", p)
	}
}

// An edge asks a router that it knows to live by the router's name. What that
// router has no kind for, it says so before it looks at the token: the edge then
// asks those who know.
func TestResponderByName(t *testing.T) {
	r := newRig(t, routing.StreamOptions{})
	v := r.put("acme", "u1", "messages", 0, []byte("mine"))
	r.respond(inbox.ResponderConfig{Router: "r1"})
	edge := r.srv.Conn(routing.RoleEdge, "hk1")
	r.ask(edge, "acme", "messages", "acme/u1/d1", &wirepb.SyncRequest{}) // it is there
	ask := func(tenant, kind, token string) *nats.Msg {
		m, err := edge.RequestMsg(&nats.Msg{
			Subject: routing.AtRouter("r1", routing.SyncSubject(tenant, kind)), Header: nats.Header{routing.HeaderToken: {token}},
		}, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	var resp wirepb.SyncResponse
	if err := proto.Unmarshal(ask("acme", "messages", "acme/u1/d1").Data, &resp); err != nil || resp.GetHead() != v {
		t.Errorf("head %d, %v: want %d", resp.GetHead(), err, v)
	}
	for _, tt := range [][4]string{
		{"acme", "messages", "forged", "401"}, {"globex", "messages", "acme/u1/d1", "403"},
		{"acme", "orders", "acme/u1/d1", "404"}, {"newcomer", "messages", "forged", "404"},
	} {
		if got := ask(tt[0], tt[1], tt[2]).Header.Get(routing.HeaderServiceErrorCode); got != tt[3] {
			t.Errorf("%v: code %s", tt, got)
		}
	}
	if _, err := edge.Request(routing.AtRouter("r2", routing.SyncSubject("acme", "messages")), nil, time.Second); !errors.Is(err, nats.ErrNoResponders) {
		t.Errorf("a router that is not there: %v", err)
	}
}
