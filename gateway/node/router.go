package node

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/hawser-edge/hawser/gateway/admin"
	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/backlog"
	"github.com/hawser-edge/hawser/routing/cells"
	"github.com/hawser-edge/hawser/routing/httpservice"
	"github.com/hawser-edge/hawser/routing/inbox"
	"github.com/hawser-edge/hawser/routing/publish"
	"github.com/hawser-edge/hawser/routing/reach"
	"github.com/hawser-edge/hawser/routing/router"
	"github.com/hawser-edge/hawser/routing/users"
)

// routerRole joins the router with the publishing doors and the built-in
// sync.
type routerRole struct {
	// Static after newRouterRole.
	cfg       *config.Config
	log       *slog.Logger
	streams   routing.StreamOptions
	nc        *nats.Conn
	nats      *natsWatch
	js        jetstream.JetStream
	reads     readConns
	reader    *inbox.Reader
	router    *router.Router
	verifier  *token.Verifier
	responder *inbox.Responder
	services  *httpservice.Bridge
	publisher *publish.Service
	backlog   *backlog.Watch
	reach     *reach.Watch
	mender    *mender
	cells     *cells.Keeper

	setback  setback
	listener net.Listener
	api      *http.Server
	cert     *certificate // nil without TLS
}

func newRouterRole(p parts) (*routerRole, error) {
	r := &routerRole{cfg: p.cfg, log: p.log, streams: routing.StreamOptions{
		Replicas: p.cfg.NATS.Replicas, Keep: p.catalog.MaxKeep(),
		InboxMaxBytes:   p.cfg.Router.InboxMaxBytes,
		PushMaxBytes:    p.cfg.Router.PushMaxBytes,
		DuplicateWindow: p.cfg.Router.DedupWindow, AckWait: p.cfg.Router.AckWait,
	}}
	if err := r.open(p); err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *routerRole) open(p parts) error {
	for _, step := range []func(parts) error{r.connect, r.openRouter, r.openDoors, r.listen} {
		if err := step(p); err != nil {
			return err
		}
	}
	return nil
}

// connect opens what everything else works with: NATS, the log, and the keys of
// device tokens.
func (r *routerRole) connect(p parts) (err error) {
	if r.nc, r.nats, err = connectNATS(p, config.RoleRouter); err != nil {
		return err
	}
	if r.js, err = jetstream.New(r.nc); err != nil {
		return fmt.Errorf("use JetStream: %w", err)
	}
	if r.reads, err = connectReads(p, config.RoleRouter, r.nats); err != nil {
		return err
	}
	if r.reader, err = inbox.NewReader(inbox.Config{Conns: r.reads.conns(), Catalog: p.catalog, Registerer: p.registry}); err != nil {
		return err
	}
	if r.verifier, err = token.NewVerifier(tokenSources(p.cfg.Tenants), p.log); err != nil {
		return err
	}
	countReloads(r.verifier, p, config.RoleRouter)
	return nil
}

// openRouter makes the router and those who watch what it depends on.
func (r *routerRole) openRouter(p parts) (err error) {
	r.backlog = backlog.New(r.js, backlog.Bounds{MaxWaiting: p.cfg.Router.MaxWaiting}, p.log, p.registry)
	r.router, err = router.New(router.Config{
		Name: p.cfg.Name, Site: p.cfg.Site, Incarnation: p.started.UnixMilli(), Conn: r.nc, JS: r.js, Inbox: r.reader,
		Verifier: recordVerifier{r.verifier},
		LostWait: p.cfg.Router.LostWait, LostRate: p.cfg.Router.LostPushesPerSecond,
		MaxPending: p.cfg.Router.MaxPending, Shared: r.backlog.Room, PushLow: r.backlog.PushLow,
		Catalog: p.catalog, AckWait: p.cfg.Router.AckWait, EdgeTenants: p.cfg.Router.EdgeTenants, Log: p.log, Registerer: p.registry,
	})
	if err != nil {
		return err
	}
	r.reach = r.reads.watchReach(r.nc, routing.BeatSubject(p.cfg.Name), r.reader.Doubt, r.nats, p.log)
	if r.cells, err = newKeeper(p, r); err != nil {
		return err
	}
	r.mender = newMender(p, r.backlog.Missing, r.ensure, r.router.RewatchRecords)
	return nil
}

// openDoors makes what devices and backends come to.
func (r *routerRole) openDoors(p parts) (err error) {
	verifier := deviceVerifier{r.verifier, r.router}
	r.responder = inbox.NewResponder(inbox.ResponderConfig{
		Router: p.cfg.Name, Conn: r.nc, Reader: r.reader, Catalog: p.catalog, Verifier: verifier,
		Floor: r.router.Dispatched, Log: p.log, Registerer: p.registry,
	})
	if r.services, err = newServices(p, r.nc, verifier); err != nil {
		return err
	}
	r.publisher = publish.New(publish.Config{
		JS: r.js, Reader: r.reader, Catalog: p.catalog, Users: users.New(r.js),
		Pressure: r.pressure, Crowded: r.router.Crowded, Stored: r.router.Stored, Presence: r.router.Presence,
		Log: p.log, Registerer: p.registry,
	})
	return nil
}

func (r *routerRole) listen(p parts) (err error) {
	mux := http.NewServeMux()
	mux.Handle(r.publisher.Handler())
	r.api = publish.HTTPServer(mux)
	r.api.ErrorLog = slog.NewLogLogger(r.log.Handler(), slog.LevelDebug)
	if files := r.cfg.Router.API.TLS; files != (config.TLS{}) {
		if r.cert, err = loadCertificate(files, config.RoleRouter, p); err != nil {
			return err
		}
		r.api.TLSConfig = &tls.Config{GetCertificate: r.cert.get, MinVersion: tls.VersionTLS12}
	}
	if r.listener, err = net.Listen("tcp", r.cfg.Router.API.Listen); err != nil {
		return fmt.Errorf("router.api.listen: cannot listen on %s, free the address or choose another one: %w", r.cfg.Router.API.Listen, err)
	}
	return nil
}

// pressure tells the publishing doors how the parts behind them keep up.
func (r *routerRole) pressure() publish.Pressure {
	level, why := r.backlog.Pressure()
	return publish.Pressure{Level: level, Cause: why}
}

func (r *routerRole) run(ctx context.Context) error {
	err := await(ctx, r.log, r.nc, &r.setback, "JetStream", r.ensure)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return ended(r.router.Run(ctx)) })
	group.Go(func() error { return ended(r.responder.Run(ctx)) })
	group.Go(func() error { return ended(r.services.Run(ctx)) })
	group.Go(func() error { return ended(r.cells.Run(ctx)) })
	group.Go(func() error { return ended(r.publisher.ServeNATS(ctx, r.nc)) })
	group.Go(func() error { return ended(r.verifier.Run(ctx)) })
	group.Go(func() error { return ended(r.backlog.Run(ctx)) })
	group.Go(func() error { return ended(r.reach.Run(ctx)) })
	group.Go(func() error { r.reads.run(ctx); return nil })
	group.Go(func() error { return r.mender.run(ctx) })
	if r.cert != nil {
		group.Go(func() error { return ended(r.cert.run(ctx)) })
	}
	group.Go(func() error { return r.serveAPI() })
	group.Go(func() error {
		<-ctx.Done()
		return r.stopAPI()
	})
	return group.Wait()
}

// makeStreams asks for nothing that takes long before somebody answers.
func makeStreams(ctx context.Context, js jetstream.JetStream, o routing.StreamOptions) error {
	soon, cancel := context.WithTimeout(ctx, awaitAnswer)
	defer cancel()
	if _, err := js.AccountInfo(soon); err != nil {
		return fmt.Errorf("ask for JetStream's leader: %w", err)
	}
	return routing.EnsureStreams(ctx, js, o)
}

// ensure makes what is missing of the streams and consumers.
func (r *routerRole) ensure(ctx context.Context) error {
	return makeStreams(ctx, r.js, r.streams)
}

func (r *routerRole) serveAPI() error {
	var err error
	if r.api.TLSConfig != nil {
		err = r.api.ServeTLS(r.listener, "", "")
	} else {
		err = r.api.Serve(r.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve backends: %w", err)
}

// apiGrace is how long calls that have begun may take at the end.
const apiGrace = 3 * time.Second

func (r *routerRole) stopAPI() error {
	ctx, cancel := context.WithTimeout(context.Background(), apiGrace)
	defer cancel()
	if err := r.api.Shutdown(ctx); err != nil {
		return r.api.Close()
	}
	return nil
}

func (r *routerRole) watch() *natsWatch { return r.nats }

func (r *routerRole) drain(ctx context.Context) error { return r.router.Drain(ctx) }

var errRouterClock = errors.New("the clock of this host differs from those of the other routers and the edges: let NTP set it")

var errIncomplete = errors.New("the table of devices and sessions is not complete yet")

func (r *routerRole) checks() []admin.Check {
	return []admin.Check{r.nats.check(), {Name: "router", Ready: func(context.Context) error {
		if r.router.WrongClock() {
			return errRouterClock
		}
		if !r.router.Ready() {
			return r.setback.explain(errIncomplete)
		}
		return r.mender.ready()
	}}}
}

func (r *routerRole) close() {
	if r.listener != nil {
		_ = r.listener.Close() // closed already where it was served
	}
	if r.reader != nil {
		_ = r.reader.Close()
	}
	r.reads.close()
	if r.nc != nil {
		r.nc.Close()
	}
}

// deviceVerifier lets the built-in sync and the keeper of device records
// verify the device's own token: an edge's word alone is not enough to read a
// user's items, or to have the user's pushes sent elsewhere.
type deviceVerifier struct {
	verifier *token.Verifier
	router   *router.Router
}

func (d deviceVerifier) Verify(jwt string) (tenant, user, device string, err error) {
	id, err := d.verifier.Verify(jwt, time.Now())
	if err == nil {
		err = d.router.TokenOver(id.Tenant, id.User, id.Device, id.IssuedAt)
	}
	return id.Tenant, id.User, id.Device, err
}

// recordVerifier is the router's own, which knows itself which tokens are
// over.
type recordVerifier struct{ verifier *token.Verifier }

func (d recordVerifier) Verify(jwt string) (tenant, user, device string, issued time.Time, err error) {
	id, err := d.verifier.Verify(jwt, time.Now())
	return id.Tenant, id.User, id.Device, id.IssuedAt, err
}
