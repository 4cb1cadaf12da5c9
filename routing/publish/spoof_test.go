package publish_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/relay"
)

// A tenant's backend must not answer the devices of another tenant. It may
// not publish to their reply subjects itself; and it must neither guess one
// from those that its own services see, nor have the router publish there by
// naming one as the reply of a publication.
func TestBackendCannotAnswerForAnother(t *testing.T) {
	r := newRig(t, routing.StreamOptions{}, nil)
	r.serveNATS(t)
	acme, globex := r.srv.Conn(routing.RoleBackend, "acme"), r.srv.Conn(routing.RoleBackend, "globex")
	c, err := routing.NewCatalog([]routing.Tenant{
		{Name: "acme", Kinds: map[string]routing.Kind{"messages": {}}, Services: []string{"orders"}},
		{Name: "globex", Kinds: map[string]routing.Kind{"messages": {}}, Services: []string{"orders"}}})
	if err != nil {
		t.Fatal(err)
	}
	edge, err := relay.New(relay.Config{Edge: "hk1", Conn: r.srv.Conn(routing.RoleEdge, "hk1"), Catalog: c, DefaultTimeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.Close() })
	call := func(tenant string) (string, error) {
		b, err := edge.Call(t.Context(), relay.Call{Tenant: tenant, User: "u1", Device: "d1", Token: "jwt", Service: "orders", Method: "list"})
		return string(b), err
	}

	seen := make(chan string, 1)
	serve(t, acme, "acme", func(m *nats.Msg) { seen <- m.Reply; _ = m.Respond(nil) })
	if _, err := call("acme"); err != nil {
		t.Fatal(err)
	}
	own := <-seen
	// globex's service is slow enough for the attack to come first: it is
	// made while the request waits, with the very subject and with a guess.
	serve(t, globex, "globex", func(m *nats.Msg) {
		if prefix := own[:strings.LastIndexByte(own, '.')]; strings.HasPrefix(m.Reply, prefix+".") {
			t.Errorf("the reply subject %s can be told from %s", m.Reply, own)
		}
		if err := acme.PublishRequest("hawser.v1.pub.acme.u1.messages", m.Reply, []byte("forged")); err != nil {
			t.Error(err)
		}
		ask(t, acme, nats.NewMsg("hawser.v1.pub.acme.u1.messages"))
		_ = m.Respond([]byte("genuine"))
	})
	if got, err := call("globex"); err != nil || got != "genuine" {
		t.Errorf("the device was answered %q, %v", got, err)
	}
}

func serve(t *testing.T, nc *nats.Conn, tenant string, answer nats.MsgHandler) {
	t.Helper()
	if _, err := nc.Subscribe(routing.UpstreamSubject(tenant, "orders", "list"), answer); err != nil {
		t.Fatal(err)
	}
	if err := nc.Flush(); err != nil {
		t.Fatal(err)
	}
}
