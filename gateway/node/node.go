package node

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/memory"
	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/routing"
)

// A role is one part of the process.
type role interface {
	// run works until ctx ends. An error means that the process cannot go on.
	run(ctx context.Context) error
	// drain hands over what the role holds, while run still works. It returns
	// when that is done or ctx ends.
	drain(ctx context.Context) error
	// checks say whether the role can take work.
	checks() []admin.Check
	// watch is what is known of the role's connection to NATS.
	watch() *natsWatch
	// close frees what New opened. It is called once, after run has returned
	// or instead of it.
	close()
}

// A Node is one running process of the fleet.
type Node struct {
	// Static after New.
	cfg   *config.Config
	log   *slog.Logger
	admin *admin.Server
	roles []role
	edge  *edgeRole   // nil without the role
	route *routerRole // nil without the role
	// memory decides over the process's memory; only where alone is true.
	memory *memory.Policy
	alone  bool

	draining prometheus.Gauge
}

// New opens the process's sockets and connections and starts nothing. The
// configuration must have been validated. NATS need not be there. Run must
// follow, or Close.
func New(cfg *config.Config, log *slog.Logger) (*Node, error) {
	return newOn(prometheus.NewRegistry(), cfg, log)
}

// NewAlone is New for a process that is this node and nothing else: while the
// node runs, it also decides over the memory of the process.
func NewAlone(cfg *config.Config, log *slog.Logger) (*Node, error) {
	n, err := New(cfg, log)
	if err != nil {
		return nil, err
	}
	n.alone = true
	return n, nil
}

// newOn is New with the registry of the process's metrics.
func newOn(registry *prometheus.Registry, cfg *config.Config, log *slog.Logger) (*Node, error) {
	log = slog.New(newLogLimit(log.Handler(), registry)).With("node", cfg.Name)
	n := &Node{
		cfg: cfg, log: log,
		draining: metric.For(registry, "node").Gauge("draining", "1 from when the process was told to stop."),
		// What routers and push workers hold has few pointers, and they are busy
		// where they matter: for them the runtime's own pace stays.
		memory: memory.New(memory.Options{Registerer: registry, Log: log, Idle: cfg.Has(config.RoleEdge)}),
	}
	if err := n.open(registry); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Node) open(registry *prometheus.Registry) error {
	catalog, err := newCatalog(n.cfg.Tenants, n.cfg.Has(config.RoleRouter))
	if err != nil {
		return err
	}
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	registerBuildInfo(registry, admin.ReadVersion())
	parts := parts{cfg: n.cfg, catalog: catalog, registry: registry, started: time.Now(), clock: wallClock(), short: n.memory.Short, rush: n.memory.Rush}
	if n.cfg.Has(config.RoleRouter) {
		if n.route, err = newRouterRole(parts.of(config.RoleRouter, n.log)); err != nil {
			return err
		}
		n.roles = append(n.roles, n.route)
	}
	if n.cfg.Has(config.RolePush) {
		r, err := newPushRole(parts.of(config.RolePush, n.log))
		if err != nil {
			return err
		}
		n.roles = append(n.roles, r)
	}
	if n.cfg.Has(config.RoleEdge) {
		if n.edge, err = newEdgeRole(parts.of(config.RoleEdge, n.log)); err != nil {
			return err
		}
		n.roles = append(n.roles, n.edge)
	}
	return n.openAdmin(registry)
}

// parts are what every role is made from.
type parts struct {
	cfg      *config.Config
	catalog  *routing.Catalog
	registry *prometheus.Registry
	log      *slog.Logger
	started  time.Time
	// clock is the host's wall clock, for what is judged by it. What lasts is
	// measured with time.Now.
	clock func() time.Time
	// short reports whether no memory is left for more; see package memory.
	short func() bool
	// rush says that more devices come than there are processors for.
	rush func()
}

// of are the parts of a role, whose lines in the log carry its name.
func (p parts) of(role config.Role, log *slog.Logger) parts {
	p.log = log.With("role", string(role))
	return p
}

func (n *Node) openAdmin(registry *prometheus.Registry) (err error) {
	var checks []admin.Check
	for _, r := range n.roles {
		checks = append(checks, r.checks()...)
	}
	n.admin, err = admin.New(admin.Config{
		Listen: n.cfg.Admin.Listen, Gatherer: registry, Checks: checks, Debug: n.cfg.Admin.Debug, Log: n.log,
	})
	return err
}

// Run works until ctx ends; then it drains the roles, for no longer than
// the slowest of them needs and drainLimit at most, and returns nil. It
// returns an error where a role cannot go on.
func (n *Node) Run(ctx context.Context) error {
	defer n.Close()
	// The roles outlive ctx by the time that draining takes.
	working, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	group, working := errgroup.WithContext(working)
	group.Go(func() error { return ended(n.admin.Run(working)) })
	if n.alone {
		group.Go(func() error { n.memory.Run(working); return nil })
	}
	for _, r := range n.roles {
		group.Go(func() error { return ended(r.run(working)) })
		group.Go(func() error { return ended(r.watch().run(working)) })
	}
	n.log.Info("started", "roles", n.cfg.Roles, "addresses", n.Addresses())
	select {
	case <-ctx.Done():
		n.drain(working)
	case <-working.Done():
	}
	stop()
	err := group.Wait()
	n.log.Info("stopped")
	return err
}

// drainLimit bounds draining beyond the spread that an edge is configured
// with: who stops a process wants it to end.
const drainLimit = time.Minute

// drain hands the roles over in an order that loses nothing: first the edge
// sends its devices elsewhere, while the router still serves them.
func (n *Node) drain(ctx context.Context) {
	limit, start := drainLimit, time.Now()
	if n.edge != nil {
		limit += n.cfg.Edge.DrainSpread
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	n.draining.Set(1)
	n.log.Info("draining: the second signal ends at once")
	for i := len(n.roles) - 1; i >= 0; i-- {
		if err := n.roles[i].drain(ctx); err != nil {
			n.log.Warn("draining was cut short", "error", err)
		}
	}
	n.log.Info("drained", "took_s", time.Since(start).Seconds())
}

// Close frees what New opened. Run does it by itself.
func (n *Node) Close() {
	for _, r := range n.roles {
		r.close()
	}
	n.roles = nil
	if n.admin != nil {
		_ = n.admin.Close() // it only frees the address
	}
}

// Addresses are where the process listens, by what is served there.
func (n *Node) Addresses() map[string]string {
	a := map[string]string{"admin": n.admin.Addr().String()}
	if n.edge != nil {
		a["edge"] = n.edge.doors[0].Addr().String()
	}
	if n.route != nil {
		a["api"] = n.route.listener.Addr().String()
	}
	return a
}

// ended forgets the error that only says that the context has ended.
func ended(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
