package relay

import (
	"sync"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/breaker"
)

// gateKey is a service of a tenant; of sync, which a backend may serve kind by
// kind in different places, one kind.
type gateKey struct{ tenant, service string }

func keyOf(c Call) gateKey {
	if c.Service == routing.ServiceSync {
		return gateKey{c.Tenant, c.Service + "." + c.Method}
	}
	return gateKey{c.Tenant, c.Service}
}

// gates are the breakers of all services. There are as many as the calls that
// passed the allow-list need: devices can not make up more.
type gates struct {
	// Static after construction.
	cfg Config

	mu   sync.Mutex
	open map[gateKey]*gate // Guarded by mu.
}

func newGates(cfg Config) *gates { return &gates{cfg: cfg, open: map[gateKey]*gate{}} }

// of returns the gate of a call that passed the allow-list; nil for the sync
// that hawser answers itself: it is what repairs everything else, and is never
// refused for having failed.
func (g *gates) of(c Call) *gate {
	if own(g.cfg.Catalog, c) {
		return nil
	}
	key := keyOf(c)
	g.mu.Lock()
	defer g.mu.Unlock()
	if known := g.open[key]; known != nil {
		return known
	}
	log := g.cfg.Log.With("tenant", key.tenant, "service", key.service)
	made := &gate{name: key.service, fair: min(fairWait, g.cfg.DefaultTimeout/2), answered: map[string]bool{}}
	made.breaker = breaker.New(breaker.Config{OnChange: func(open bool) {
		if open {
			log.Warn("service does not answer: devices are told so at once, and a call is let through from time to time")
		} else {
			log.Info("service answers again")
		}
	}})
	g.open[key] = made
	return made
}

// down counts the services that calls are kept away from.
func (g *gates) down() (n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, one := range g.open {
		if one.breaker.Open() {
			n++
		}
	}
	return n
}

// gate keeps calls away from one service that does not answer.
type gate struct {
	// Static after construction.
	name    string
	breaker *breaker.Breaker
	fair    time.Duration

	mu sync.Mutex
	// Guarded by mu. Methods that were answered before, at most maxAnswered.
	answered map[string]bool
}

const (
	// fairWait is the least time in which a service must have had the chance
	// to answer. What a device gave less for is the device's fault: one of them
	// must not close a service to all.
	fairWait = 3 * time.Second
	// maxAnswered bounds what is kept of methods' names.
	maxAnswered = 64
)

// judge says what a call shows of the service. Whoever answers is alive,
// whatever the answer, unless it says itself that it is not available.
func (g *gate) judge(c Call, a answer, took time.Duration) breaker.Outcome {
	switch a.how {
	case unsent, hungUp:
		return breaker.Unknown
	case timeout:
		return failedIf(took >= g.fair)
	case nobody:
		return failedIf(g.known(c.Method))
	}
	switch {
	case a.fault == nil:
		g.learn(c.Method)
		return breaker.Alive
	case a.fault.Code == wire.StatusUnavailable:
		return breaker.Failed
	case a.fault.Code == wire.StatusDeadline:
		return failedIf(took >= g.fair)
	}
	return breaker.Alive
}

func failedIf(failed bool) breaker.Outcome {
	if failed {
		return breaker.Failed
	}
	return breaker.Unknown
}

// known reports whether a method was answered before. Without that, that
// nobody answers it may be a slip in its name, of which a device could send
// many.
func (g *gate) known(method string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.answered[method]
}

func (g *gate) learn(method string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.answered) < maxAnswered {
		g.answered[method] = true
	}
}
