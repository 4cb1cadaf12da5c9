// Package example is a service for devices, to be copied: orderspb holds its
// protocol, Orders is what answers. It is run with
//
//	keys, err := service.NewKeys("demo", "demo.jwks.json")
//	svc, err := service.New(service.Config{Conn: nc, Tenant: "demo", Name: "orders", Version: "1.0.0", Verifier: keys})
//	err = orderspb.RegisterOrders(svc, example.NewOrders())
//	...
//	err = svc.Close()
//
// where nc is the connection of the NATS user backend-demo, made with the
// inbox prefix _INBOX.backend.demo, and orders stands in the tenant's services.
package example

import (
	"context"
	"sync"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing/service"
	"github.com/hawser-edge/hawser/routing/service/example/orderspb"
)

// Orders answers orderspb.Orders out of memory, where a real service has its
// database.
type Orders struct {
	mu     sync.Mutex
	last   int64                                 // Guarded by mu.
	orders map[string]map[string]*orderspb.Order // Guarded by mu. By user and the device's own number.
}

// NewOrders returns a service without orders.
func NewOrders() *Orders { return &Orders{orders: map[string]map[string]*orderspb.Order{}} }

// Place implements orderspb.Orders. The user is c.User, whatever a request
// says.
func (o *Orders) Place(_ context.Context, c service.Caller, req *orderspb.PlaceRequest) (*orderspb.PlaceResponse, error) {
	if req.GetItem() == "" || req.GetId() == "" {
		return nil, service.Errorf(wire.StatusInvalid, "an order needs an item and an id")
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	mine := o.orders[c.User]
	if mine == nil {
		mine = map[string]*orderspb.Order{}
		o.orders[c.User] = mine
	}
	if mine[req.GetId()] == nil {
		o.last++
		mine[req.GetId()] = &orderspb.Order{Number: o.last, Item: req.GetItem()}
	}
	return &orderspb.PlaceResponse{Number: mine[req.GetId()].Number}, nil
}

// ListOpen implements orderspb.Orders.
func (o *Orders) ListOpen(_ context.Context, c service.Caller, _ *orderspb.ListOpenRequest) (*orderspb.ListOpenResponse, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	resp := &orderspb.ListOpenResponse{}
	for _, order := range o.orders[c.User] {
		resp.Orders = append(resp.Orders, order)
	}
	return resp, nil
}
