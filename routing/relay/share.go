package relay

import (
	"sync"

	"github.com/hawser-edge/hawser/routing"
)

// shares bounds the calls that one tenant's services hold open. Without it a
// service that hangs would take all places, and with them the other tenants'
// calls and everybody's sync.
type shares struct {
	// Static after construction.
	catalog *routing.Catalog
	most    int

	mu   sync.Mutex
	open map[string]int // Guarded by mu. By tenant; those of the catalog.
}

// newShares lets a tenant hold three quarters of the places.
func newShares(catalog *routing.Catalog, places int) *shares {
	return &shares{catalog: catalog, most: max(places-places/4, 1), open: map[string]int{}}
}

// take reports whether the tenant may hold one more. The sync that hawser
// answers itself does not count.
func (s *shares) take(c Call) bool {
	if s.free(c) {
		return true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open[c.Tenant] >= s.most {
		return false
	}
	s.open[c.Tenant]++
	return true
}

func (s *shares) release(c Call) {
	if s.free(c) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open[c.Tenant]--
}

func (s *shares) free(c Call) bool {
	k, _ := s.catalog.Kind(c.Tenant, c.Method)
	return c.Service == routing.ServiceSync && !k.Backend
}
