package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"golang.org/x/sync/errgroup"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/config"
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
}

// New opens the process's sockets and connections and starts nothing. The
// configuration must have been validated. NATS need not be there. Run must
// follow, or Close.
func New(cfg *config.Config, log *slog.Logger) (*Node, error) {
	n := &Node{cfg: cfg, log: log.With("node", cfg.Name)}
	if err := n.open(); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

func (n *Node) open() error {
	catalog, err := newCatalog(n.cfg.Tenants)
	if err != nil {
		return err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	parts := parts{cfg: n.cfg, catalog: catalog, registry: registry, log: n.log, started: time.Now()}
	if n.cfg.Has(config.RoleRouter) {
		if n.route, err = newRouterRole(parts); err != nil {
			return err
		}
		n.roles = append(n.roles, n.route)
	}
	if n.cfg.Has(config.RolePush) {
		r, err := newPushRole(parts)
		if err != nil {
			return err
		}
		n.roles = append(n.roles, r)
	}
	if n.cfg.Has(config.RoleEdge) {
		if n.edge, err = newEdgeRole(parts); err != nil {
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
}

func (n *Node) openAdmin(registry *prometheus.Registry) (err error) {
	var checks []admin.Check
	for _, r := range n.roles {
		checks = append(checks, r.checks()...)
	}
	n.admin, err = admin.New(admin.Config{
		Listen: n.cfg.Admin.Listen, Gatherer: registry, Checks: checks, Log: n.log,
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
	for _, r := range n.roles {
		group.Go(func() error { return ended(r.run(working)) })
	}
	n.log.Info("started", "roles", n.cfg.Roles, "addresses", n.Addresses())
	select {
	case <-ctx.Done():
		n.drain(working)
	case <-working.Done():
	}
	stop()
	return group.Wait()
}

// drainLimit bounds draining whatever the configuration says: who stops a
// process wants it to end.
const drainLimit = 2 * time.Minute

// drain hands the roles over in an order that loses nothing: first the edge
// sends its devices elsewhere, while the router still serves them.
func (n *Node) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	n.log.Info("draining")
	for i := len(n.roles) - 1; i >= 0; i-- {
		if err := n.roles[i].drain(ctx); err != nil {
			n.log.Warn("draining was cut short", "error", err)
		}
	}
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
		a["edge"] = n.edge.tcp.Addr().String()
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

// What a process waits for is mostly made by another one that starts beside
// it, so that the first misses are no news.
const (
	settleEvery = 250 * time.Millisecond
	settleQuiet = 3 * time.Second
)

// settle repeats try until it succeeds or ctx ends: a process may be started
// before NATS, and before the process that makes the streams.
func settle(ctx context.Context, log *slog.Logger, what string, try func(context.Context) error) error {
	said, began := false, time.Now()
	for {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := try(attempt)
		cancel()
		if err == nil {
			return nil
		}
		if !said && time.Since(began) > settleQuiet {
			log.Warn(what+" is not there yet, trying again", "error", err)
			said = true
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(settleEvery):
		}
	}
}
