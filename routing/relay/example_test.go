package relay_test

import (
	"context"
	"fmt"
	"os"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
	"github.com/hawser-edge/hawser/routing/relay"
)

// ordersService is all that a backend needs: nats.go, the credentials of the
// tenant, and subjects that begin with hawser.v1.up.<tenant>.
func ordersService(url string) (*nats.Conn, error) {
	nc, err := nats.Connect(url, nats.UserInfo("backend-acme", "secret"))
	if err != nil {
		return nil, err
	}
	svc, err := micro.AddService(nc, micro.Config{Name: "orders", Version: "1.0.0"})
	if err != nil {
		return nil, err
	}
	list := func(req micro.Request) {
		// Verify the token here and take the user from it: the header
		// Hawser-User is for logs.
		if req.Headers().Get("Hawser-Token") == "" {
			_ = req.Error("401", "the token is missing", nil)
			return
		}
		_ = req.Respond([]byte(`{"orders":[7]}`))
	}
	if err := svc.AddEndpoint("list", micro.HandlerFunc(list), micro.WithEndpointSubject("hawser.v1.up.acme.orders.list")); err != nil {
		return nil, err
	}
	return nc, nc.Flush()
}

// A device's Request reaches a service of its tenant's backend, which knows
// nothing of hawser but its subjects.
func Example() {
	dir, err := os.MkdirTemp("", "relay-example")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server, err := embednats.Start(embednats.Options{Dir: dir, Users: []routing.User{
		{Role: routing.RoleEdge, Label: "hk1", Password: "secret"}, {Role: routing.RoleBackend, Label: "acme", Password: "secret"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer server.Shutdown()
	backend, err := ordersService(server.URL())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer backend.Close()

	catalog, err := routing.NewCatalog([]routing.Tenant{{Name: "acme", Kinds: map[string]routing.Kind{"messages": {}}, Services: []string{"orders"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	conn, err := server.Connect(routing.RoleEdge, "hk1")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close()
	r, err := relay.New(relay.Config{Edge: "hk1", Conn: conn, Catalog: catalog})
	if err != nil {
		fmt.Println(err)
		return
	}
	body, err := r.Call(context.Background(), relay.Call{Tenant: "acme", User: "u1", Device: "d1", Token: "eyJ...", Service: "orders", Method: "list"})
	fmt.Println(string(body), err)
	_, err = r.Call(context.Background(), relay.Call{Tenant: "acme", User: "u1", Device: "d1", Service: "orders", Method: "list"})
	fmt.Println(err)
	// Output:
	// {"orders":[7]} <nil>
	// the token is missing
}
