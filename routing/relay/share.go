package relay

import (
	"sync"

	"github.com/hawser-edge/hawser/routing"
)

// shares bounds the calls that a tenant's services hold open. Without it a
// service that hangs would take all places, and with them the other tenants'
// calls and everybody's sync.
//
// The bound follows what is free: a tenant may hold three times as many places
// as are left, one of its services as many as are left. Nobody has to be told
// a number; one slow service alone gets half of the places; and however many
// are slow, some places are left for whoever comes next.
type shares struct {
	// Static after construction.
	catalog *routing.Catalog
	places  int

	mu sync.Mutex
	// Guarded by mu. By tenant, and by tenant and service: those of the
	// catalogue only.
	tenants  map[string]int
	services map[gateKey]int
	all      int
}

// newShares keeps a quarter of the places for the sync that hawser answers
// itself.
func newShares(catalog *routing.Catalog, places int) *shares {
	return &shares{
		catalog: catalog, places: max(places-places/4, 1),
		tenants: map[string]int{}, services: map[gateKey]int{},
	}
}

// take reports whether the call may hold a place. The sync that hawser
// answers itself does not count.
func (s *shares) take(c Call) bool {
	if own(s.catalog, c) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	free, key := s.places-s.all, keyOf(c)
	if s.tenants[c.Tenant] >= 3*free || s.services[key] >= free {
		return false
	}
	s.all++
	s.tenants[c.Tenant]++
	s.services[key]++
	return true
}

func (s *shares) release(c Call) {
	if own(s.catalog, c) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	s.tenants[c.Tenant]--
	s.services[keyOf(c)]--
}
