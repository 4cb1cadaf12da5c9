//go:build linux && !unparked

package transport

import (
	"net/netip"
	"sync"
)

// clients are whose the connections of proxies are. It stands beside the
// connections because most have no proxy.
type clients struct {
	mu sync.Mutex
	of map[*parked]netip.AddrPort // Guarded by mu; nil: none yet
}

func (c *clients) set(conn *parked, addr netip.AddrPort) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.of == nil {
		c.of = map[*parked]netip.AddrPort{}
	}
	c.of[conn] = addr
}

func (c *clients) get(conn *parked) (addr netip.AddrPort, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	addr, ok = c.of[conn]
	return addr, ok
}

func (c *clients) forget(conn *parked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.of, conn)
}
