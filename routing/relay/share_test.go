package relay

import (
	"fmt"
	"testing"

	"github.com/hawser-edge/hawser/routing"
)

// However many tenants have services that hang, places are left: for the next
// tenant, for another service of one that hangs, and for sync.
func TestSharesLeavePlaces(t *testing.T) {
	const places = 10_000
	var tenants []routing.Tenant
	for i := range 6 {
		tenants = append(tenants, routing.Tenant{Name: fmt.Sprintf("t%d", i), Kinds: map[string]routing.Kind{"messages": {}, "own": {Backend: true}}, Services: []string{"a", "b", "c"}})
	}
	catalog, err := routing.NewCatalog(tenants)
	if err != nil {
		t.Fatal(err)
	}
	s := newShares(catalog, places)
	hang := func(c Call) (n int) {
		for s.take(c) {
			n++
		}
		return n
	}
	one := hang(Call{Tenant: "t0", Service: "a", Method: "m"})
	if one != 3750 {
		t.Errorf("one service alone may hold %d places, want half of three quarters", one)
	}
	for _, service := range []string{"b", "c"} {
		hang(Call{Tenant: "t0", Service: service, Method: "m"})
	}
	if n := s.tenants["t0"]; n > 5625 {
		t.Errorf("a tenant of which everything hangs holds %d places, want three quarters of three quarters", n)
	}
	for s.tenants["t0"] > one { // back to one service that hangs
		s.release(Call{Tenant: "t0", Service: "b", Method: "m"})
	}
	// The others, with two that hang each.
	for i := range 5 {
		for _, service := range []string{"a", "b"} {
			if n := hang(Call{Tenant: fmt.Sprintf("t%d", i), Service: service, Method: "m"}); n == 0 && (i > 0 || service == "b") {
				t.Errorf("t%d has no place left for %s", i, service)
			}
		}
	}
	hang(Call{Tenant: "t5", Service: "a", Method: "m"})
	if free := s.places - s.all; free <= 0 {
		t.Errorf("%d places are left for services", free)
	}
	if !s.take(Call{Tenant: "t5", Service: routing.ServiceSync, Method: "own"}) {
		t.Error("no place for sync of a backend's kind, which is a service of its own")
	}
	if s.all > places*3/4 {
		t.Errorf("services hold %d places of %d", s.all, places)
	}
	before := s.all
	if !s.take(Call{Tenant: "t0", Service: routing.ServiceSync, Method: "messages"}) || s.all != before {
		t.Error("hawser's own sync counts")
	}
	for range one {
		s.release(Call{Tenant: "t0", Service: "a", Method: "x"})
	}
	if !s.take(Call{Tenant: "t0", Service: "a", Method: "m"}) {
		t.Error("what was released is not free")
	}
}
