package httpservice_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/httpservice"
	"github.com/hawser-edge/hawser/routing/relay"
)

// The edge, the router and the backend are connected to different servers of a
// cluster: that the tenant's own account answers nothing must not be taken for
// an answer while a router does.
func TestAcrossACluster(t *testing.T) {
	servers := natstest.RunCluster(t, 3, routing.User{Role: routing.RoleRouter, Label: "r1"},
		routing.User{Role: routing.RoleEdge, Label: "hk1"}, routing.User{Role: routing.RoleBackend, Label: "acme"})
	_ = servers[1].Conn(routing.RoleBackend, "acme") // it is there, and serves nothing
	url, roots := backend(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok")) })
	catalog, err := routing.NewCatalog([]routing.Tenant{{
		Name: "acme", Kinds: map[string]routing.Kind{"messages": {}}, Services: []string{"orders"}, HTTP: map[string]string{"orders": url},
	}})
	if err != nil {
		t.Fatal(err)
	}
	cfg := httpservice.Config{
		Conn: servers[2].Conn(routing.RoleRouter, "r1"), Catalog: catalog, Verifier: verifier{},
		Secrets: map[string][][]byte{"acme": {secret}}, Log: slog.New(slog.DiscardHandler),
	}
	roots(&cfg)
	run(t, cfg)
	edge, err := relay.New(relay.Config{Edge: "hk1", Conn: servers[0].Conn(routing.RoleEdge, "hk1"), Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.Close() })
	call := func() error {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		_, err := edge.Call(ctx, relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "acme.u1.d1", Service: "orders", Method: "m"})
		return err
	}
	// Interest takes a moment to travel.
	for began := time.Now(); call() != nil; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal(call())
		}
	}
	for i := range 200 {
		if err := call(); err != nil {
			t.Fatalf("call %d: %v", i, err)
		}
	}
}
