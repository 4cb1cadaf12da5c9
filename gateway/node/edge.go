package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/sync/errgroup"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/admission"
	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/session"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/heartbeat"
	"github.com/hawser-edge/hawser/routing/cells"
	"github.com/hawser-edge/hawser/routing/clocks"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/relay"
)

// edgeRole joins the sessions, the devices' door and the link to the routers.
type edgeRole struct {
	// Static after newEdgeRole.
	cfg      *config.Config
	log      *slog.Logger
	nc       *nats.Conn
	nats     *natsWatch
	cert     *certificate
	verifier *token.Verifier
	relay    *relay.Relay
	link     *edgelink.Link
	heart    *heartbeat.Learner
	server   *session.Server
	island   *island
	sharer   *cells.Sharer
	gate     *admission.Gate
	memory   *admission.Memory
	sources  *admission.Sources
	sockets  int                  // that the listener of TCP may have; 0: unknown
	doors    []transport.Listener // of the transports that are listed

	draining atomic.Bool
}

func newEdgeRole(p parts) (*edgeRole, error) {
	e := &edgeRole{cfg: p.cfg, log: p.log}
	if err := e.open(p); err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *edgeRole) open(p parts) (err error) {
	if e.verifier, err = token.NewVerifier(tokenSources(p.cfg.Tenants), p.log); err != nil {
		return err
	}
	countReloads(e.verifier, p, config.RoleEdge)
	if e.cert, err = loadCertificate(p.cfg.Edge.TLS, config.RoleEdge, p); err != nil {
		return err
	}
	if e.nc, e.nats, err = connectNATS(p, config.RoleEdge); err != nil {
		return err
	}
	e.relay, err = relay.New(relay.Config{
		Edge: p.cfg.Name, Conn: e.nc, Catalog: p.catalog,
		Router:         func(besides string) string { return e.link.Router(besides) }, // no device calls before there is a link
		DefaultTimeout: p.cfg.Edge.Limits.RequestTimeout, Log: p.log, Registerer: p.registry,
	})
	if err != nil {
		return err
	}
	fleetKey, err := p.cfg.Edge.TicketKeyFile.ReadTrimmed()
	if err != nil {
		return fmt.Errorf("read the ticket key: %w", err)
	}
	if err := e.openGates(p, fleetKey); err != nil {
		return err
	}
	if p.cfg.Edge.TicketKeyFile.Exposed() {
		p.log.Warn("everybody on this machine can read the ticket key: chmod 600 it", "file", string(p.cfg.Edge.TicketKeyFile))
	}
	if err := e.openSessions(p, fleetKey); err != nil {
		return err
	}
	return e.listen(p, fleetKey)
}

// openSessions joins the two that know nothing of each other: the sessions
// tell the link, the link tells the hub. All edges share the fleetKey.
func (e *edgeRole) openSessions(p parts, fleetKey []byte) (err error) {
	sabotage := sabotageFromEnv()
	registry := &registry{dropAck: sabotage.dropAck}
	limits := p.cfg.Edge.Limits
	e.heart = openHeart(p)
	e.server, err = session.NewServer(session.Config{
		Verifier: e.verifier, Registry: registry, Relay: calls{e.relay}, Kinds: p.catalog.Kinds,
		Clock: &registry.clock, Heartbeat: e.heart, HeartbeatScale: p.cfg.Edge.Heartbeat.TimeScale,
		Edge: p.cfg.Name, TicketKey: fleetKey, ReconnectSpread: p.cfg.Edge.ReconnectSpread,
		Limits: session.Limits{
			MaxConns: p.cfg.Edge.MaxConnections, HelloTimeout: p.cfg.Edge.HelloTimeout,
			MaxUnidentified: p.cfg.Edge.Admission.MaxUnidentified,
			WriteTimeout:    p.cfg.Edge.WriteTimeout,
			MaxRequests:     limits.MaxRequests, RequestsPerSecond: limits.RequestsPerSecond,
			RequestTimeout: limits.RequestTimeout, MaxRequestTimeout: limits.MaxRequestTimeout,
		},
		Admission: e.gate, Full: e.full,
		Log: p.log, Registerer: p.registry,
	})
	if err != nil {
		return err
	}
	e.link, err = edgelink.New(edgelink.Config{
		Edge: p.cfg.Name, Site: p.cfg.Site, Incarnation: p.started.UnixMilli(), Conn: e.nc, Now: p.clock,
		Handler: handler{e.server.Hub(), sabotage.dropAck}, Log: p.log, Registerer: p.registry,
		DropBatch: sabotage.dropBatch,
	})
	registry.link, registry.clock.link = e.link, e.link
	if err != nil {
		return err
	}
	if e.sharer, err = newSharer(p, e); err != nil {
		return err
	}
	e.island, err = newIsland(p, e.link.Degraded, e.server.Evacuate)
	return err
}

func (e *edgeRole) listen(p parts, fleetKey []byte) (err error) {
	counts := newDoorMetrics(p.registry)
	kinds := make([]transport.Kind, len(p.cfg.Edge.Transports))
	for i, t := range p.cfg.Edge.Transports {
		kinds[i] = transport.Kind(t)
	}
	e.doors, err = transport.Listen(transport.ListenConfig{
		Addr:    p.cfg.Edge.Listen,
		Shared:  p.cfg.Edge.SharePort,
		Proxies: p.cfg.Edge.Proxies(),
		TLS: &tls.Config{
			GetCertificate:   e.cert.get,
			CurvePreferences: transport.KeyExchanges(p.cfg.Edge.PostQuantum == config.On),
		},
		HandshakeTimeout: p.cfg.Edge.HandshakeTimeout,
		MaxHandshakes:    p.cfg.Edge.MaxHandshakes,
		Sources:          e.sources,
		MaxSockets:       e.sockets,
		Room:             e.memory.Room,
		FleetKey:         fleetKey,
		Node:             p.cfg.Name,
		Workers:          p.cfg.Edge.QUICWorkers,
		Up:               e.up,
		Log:              p.log,
		OnRush:           p.rush,
		OnReject:         counts.reject,
		OnHandshake:      counts.handshake,
	}, kinds...)
	if err != nil {
		return fmt.Errorf("edge.listen: cannot listen on %s, %s: %w", p.cfg.Edge.Listen, advice(&p.cfg.Edge), err)
	}
	return nil
}

// advice is what to do where an edge cannot listen.
func advice(e *config.Edge) string {
	if !e.SharePort {
		return "free the address or choose another one"
	}
	if !transport.CanShare {
		return "leave edge.share_port out: only on Linux do processes share a port"
	}
	return "all processes of the port need edge.share_port and one user, and at most one of them quic among its edge.transports"
}

func (e *edgeRole) run(ctx context.Context) error {
	// The link outlives the sessions, so that routers hear of their end.
	linked, unlink := context.WithCancel(context.WithoutCancel(ctx))
	defer unlink()
	var link errgroup.Group
	link.Go(func() error { return ended(e.link.Run(linked)) })

	sessions, ctx := errgroup.WithContext(ctx)
	for _, l := range e.doors {
		sessions.Go(func() error { return ended(e.server.Serve(ctx, l)) })
	}
	sessions.Go(func() error { return ended(e.verifier.Run(ctx)) })
	sessions.Go(func() error { return ended(e.cert.run(ctx)) })
	sessions.Go(func() error { return e.island.run(ctx) })
	if e.sharer != nil {
		sessions.Go(func() error { return ended(e.sharer.Run(ctx)) })
	}
	sessions.Go(func() error { e.gate.Run(ctx); return nil })
	err := sessions.Wait()
	unlink()
	return errors.Join(err, link.Wait())
}

func (e *edgeRole) watch() *natsWatch { return e.nats }

func (e *edgeRole) drain(ctx context.Context) error {
	e.draining.Store(true)
	e.log.Info("devices are sent elsewhere", "sessions", e.server.Hub().Count())
	var left errgroup.Group
	for _, l := range e.doors {
		left.Go(func() error { return l.Leave(ctx) })
	}
	err := left.Wait()
	e.server.Drain(ctx, e.cfg.Edge.DrainSpread)
	return err
}

// up tells other edges whether their devices are well placed here.
func (e *edgeRole) up() bool {
	return !e.draining.Load() && !e.link.Degraded() && e.link.Clock().State != clocks.Wrong
}

var errNameTaken = errors.New("another process runs under this name, and routers follow that one: give each process a name of its own")

var errDraining = errors.New("draining: devices are being sent elsewhere")

// checks does not ask for NATS: an edge without it still holds connections,
// and taking it out of service would break them.
func (e *edgeRole) checks() []admin.Check {
	return []admin.Check{{Name: "edge", Ready: func(context.Context) error {
		if e.draining.Load() {
			return errDraining
		}
		if e.link.NameTaken() {
			return errNameTaken
		}
		return wrongClock(e.link.Clock())
	}}}
}

// shutdownWait bounds how long the last bytes to devices may take.
const shutdownWait = 3 * time.Second

func (e *edgeRole) close() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	for _, l := range e.doors {
		_ = l.Close()       // nothing is accepted by now
		_ = l.Shutdown(ctx) // an error says that time was up
	}
	if e.relay != nil {
		_ = e.relay.Close()
	}
	if e.nc != nil {
		e.nc.Close()
	}
}
