package session

import (
	"slices"
	"sync"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// maxProfiles bounds what is kept for those who come: devices make up the
// names of their applications.
const maxProfiles = 4096

// profile is what many sessions have in common. It is never changed.
type profile struct {
	tenant   string
	app      string
	platform wirepb.Platform
	kinds    wire.Kinds
}

type profileKey struct {
	tenant, app string
	platform    wirepb.Platform
}

// profiles keeps the newest profile of each kind.
type profiles struct {
	mu    sync.Mutex
	known map[profileKey]*profile // Guarded by mu.
}

func (p *profiles) of(tenant, app string, platform wirepb.Platform, kinds wire.Kinds) *profile {
	key := profileKey{tenant, app, platform}
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.known[key]; known != nil && slices.Equal(known.kinds, kinds) {
		return known
	}
	if p.known == nil || len(p.known) >= maxProfiles {
		p.known = make(map[profileKey]*profile)
	}
	made := &profile{tenant, app, platform, kinds}
	p.known[key] = made
	return made
}
