package example_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/relay"
	"github.com/hawser-edge/hawser/routing/service"
	"github.com/hawser-edge/hawser/routing/service/example"
	"github.com/hawser-edge/hawser/routing/service/example/orderspb"
)

// device is what a device's calls pass through: the edge's relay.
type device struct {
	relay *relay.Relay
	user  string
	jwt   string
}

func (d device) call(t *testing.T, method string, req, resp proto.Message) wire.Status {
	t.Helper()
	body, err := proto.Marshal(req)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer, err := d.relay.Call(ctx, relay.Call{Tenant: "demo", User: d.user, Device: "phone", Token: d.jwt, Service: "orders", Method: method, Body: body})
	if err != nil {
		return err.(*routing.StatusError).Code
	}
	if err := proto.Unmarshal(answer, resp); err != nil {
		t.Fatal(err)
	}
	return wire.StatusOK
}

// A device orders twice under one id and lists what it has; another user has
// nothing; who has no token gets nothing.
func TestOrders(t *testing.T) {
	nats := natstest.Run(t, routing.User{Role: routing.RoleEdge, Label: "hk1"}, routing.User{Role: routing.RoleBackend, Label: "demo"})
	private, public, err := token.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	jwks := filepath.Join(t.TempDir(), "demo.jwks.json")
	if err := os.WriteFile(jwks, public, 0o600); err != nil {
		t.Fatal(err)
	}
	keys, err := service.NewKeys("demo", jwks)
	if err != nil {
		t.Fatal(err)
	}
	backend := nats.Conn(routing.RoleBackend, "demo")
	svc, err := service.New(service.Config{
		Conn: backend, Tenant: "demo", Name: "orders", Version: "1.0.0", Verifier: keys,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(orderspb.RegisterOrders(svc, example.NewOrders()), backend.Flush()); err != nil {
		t.Fatal(err)
	}
	catalog, err := routing.NewCatalog([]routing.Tenant{{Name: "demo", Kinds: map[string]routing.Kind{"messages": {}}, Services: []string{"orders"}}})
	if err != nil {
		t.Fatal(err)
	}
	edge, err := relay.New(relay.Config{Edge: "hk1", Conn: nats.Conn(routing.RoleEdge, "hk1"), Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := token.ParseSigner(private)
	if err != nil {
		t.Fatal(err)
	}
	open := func(user string) device {
		jwt, err := signer.Sign(token.Identity{Tenant: "demo", User: user, Device: "phone", ExpiresAt: time.Now().Add(time.Hour)}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		return device{edge, user, jwt}
	}
	alice, bob := open("alice"), open("bob")
	for range 2 {
		var placed orderspb.PlaceResponse
		if s := alice.call(t, "place", &orderspb.PlaceRequest{Item: "tea", Id: "1"}, &placed); s != wire.StatusOK || placed.Number != 1 {
			t.Errorf("placed: %v, number %d", s, placed.Number)
		}
	}
	for _, tt := range []struct {
		device device
		want   int
	}{{alice, 1}, {bob, 0}} {
		var list orderspb.ListOpenResponse
		if s := tt.device.call(t, "list_open", &orderspb.ListOpenRequest{}, &list); s != wire.StatusOK || len(list.Orders) != tt.want {
			t.Errorf("%s's orders: %v, %v", tt.device.user, s, list.Orders)
		}
	}
	if s := alice.call(t, "place", &orderspb.PlaceRequest{}, nil); s != wire.StatusInvalid {
		t.Errorf("an order of nothing: %v", s)
	}
	bob.jwt = "eyJhbGciOiJub25lIn0.e30."
	if s := bob.call(t, "list_open", &orderspb.ListOpenRequest{}, nil); s != wire.StatusUnauthenticated {
		t.Errorf("a token that nobody signed: %v", s)
	}
	if err := svc.Close(); err != nil {
		t.Error(err)
	}
	if s := alice.call(t, "list_open", &orderspb.ListOpenRequest{}, nil); s != wire.StatusUnavailable {
		t.Errorf("after Close: %v", s)
	}
}
