// Package relay is the edge's side of upstream calls: it carries a device's
// Request to its tenant's service over NATS and the answer back. Any NATS
// responder will do; package routing/service is the template, and package
// routing/httpservice answers for services that are reached over HTTP.
//
// A service subscribes to hawser.v1.up.<tenant>.<service>.<method> and finds
// the device's bytes in the body, the device's own JWT in Hawser-Token, which
// it must verify, and how long the device still waits in Hawser-Deadline-Ms.
// An error is answered with the headers of nats micro, Nats-Service-Error and
// Nats-Service-Error-Code, where the code is read like HTTP's.
//
// What protects the edge and the tenants from one another: a call has one
// deadline and one answer; a tenant's calls, and a service's, may hold only as
// many places as others leave (share.go); a service that does not answer is
// left alone for a while (gate.go); answers are bounded, and reach the edge
// under subjects that only the tenant's own responders may publish to.
package relay

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/replies"
)

// Config of a Relay.
type Config struct {
	// Edge is the edge's name.
	Edge string
	// Conn needs an edge's permissions.
	Conn    *nats.Conn
	Catalog *routing.Catalog
	// Router names a router that was heard just now, another one than besides
	// if there is any, for the sync that hawser answers itself; empty: none is
	// known. Nil: none ever is.
	Router func(besides string) string
	// MaxInFlight bounds the calls that wait for an answer. The services of
	// all tenants together may take three quarters of it; the rest is for the
	// sync that hawser answers itself. 0: 10,000.
	MaxInFlight int
	// DefaultTimeout is for calls whose context has no deadline. 0: 10 s.
	DefaultTimeout time.Duration
	// Log hears of services that stop and begin to answer. nil discards.
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Relay carries calls. It may be used by many goroutines.
type Relay struct {
	// Static after construction.
	cfg     Config
	mux     *replies.Mux
	shares  *shares
	gates   *gates
	budget  *budget
	metrics *metrics
}

// Call is one request of a device. The identity is of the session's verified
// token.
type Call struct {
	Tenant, User, Device string
	// Token is the device's JWT, which travels along.
	Token           string
	Service, Method string
	Body            []byte
}

// Error is a call's failure as the device is told it.
type Error = routing.StatusError

// New subscribes to the relay's replies.
func New(cfg Config) (*Relay, error) {
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 10_000
	}
	if cfg.DefaultTimeout == 0 {
		cfg.DefaultTimeout = 10 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if err := wire.CheckID("edge", cfg.Edge); err != nil {
		return nil, err
	}
	mux, err := replies.New(cfg.Conn, routing.InboxPrefix(routing.RoleEdge, cfg.Edge)+".up", cfg.MaxInFlight)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	r := &Relay{cfg: cfg, mux: mux, shares: newShares(cfg.Catalog, cfg.MaxInFlight), gates: newGates(cfg), budget: newBudget()}
	r.metrics = newMetrics(cfg.Registerer, r)
	return r, nil
}

// Close ends the relay: calls in flight hear nothing more.
func (r *Relay) Close() error { return r.mux.Close() }

// Call carries a request and returns the answer's body, or an error that has
// a Status. The call is sent at most once, so that after StatusDeadline it is
// not known whether it took effect; only what the catalogue calls idempotent,
// and sync, is sent again while nobody answers.
func (r *Relay) Call(ctx context.Context, c Call) ([]byte, error) {
	body, fault := r.call(ctx, c)
	if fault != nil {
		r.metrics.calls.WithLabelValues(fault.Code.String()).Inc()
		return nil, fault
	}
	r.metrics.calls.WithLabelValues(wire.StatusOK.String()).Inc()
	return body, nil
}

func (r *Relay) call(ctx context.Context, c Call) ([]byte, *Error) {
	if fault := r.check(c); fault != nil {
		return nil, fault
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, r.cfg.DefaultTimeout)
		defer cancel()
	}
	// Without this the client would keep the request and send it when NATS
	// is back, long after the device gave up.
	if !r.cfg.Conn.IsConnected() {
		return nil, r.refuse(refusedCutOff, "the edge is cut off from its services: ask again later")
	}
	if !r.shares.take(c) {
		return nil, r.refuse(refusedShare, "the tenant's services have too many calls open: ask again later")
	}
	defer r.shares.release(c)
	mail, ok := r.mux.Open(c.Tenant, 1)
	if !ok {
		return nil, r.refuse(refusedFull, "the edge has too many calls open: ask again later")
	}
	defer mail.Close()
	return r.pass(ctx, c, mail)
}

// pass makes the call unless the service is known not to answer.
func (r *Relay) pass(ctx context.Context, c Call, mail *replies.Call) ([]byte, *Error) {
	g := r.gates.of(c)
	if g == nil {
		a := r.exchange(ctx, c, mail)
		return a.body, a.fault
	}
	permit, wait, ok := g.breaker.Allow()
	if !ok {
		return nil, r.refuse(refusedGate, fmt.Sprintf("service %s does not answer: ask again in %d s", g.name, int64((wait+time.Second-1)/time.Second)))
	}
	start := time.Now()
	a := r.exchange(ctx, c, mail)
	g.breaker.Done(permit, g.judge(c, a, time.Since(start)))
	return a.body, a.fault
}

// refuse fails a call that was not sent.
func (r *Relay) refuse(reason, message string) *Error {
	r.metrics.refused.WithLabelValues(reason).Inc()
	return &Error{Code: wire.StatusUnavailable, Message: message}
}

// check refuses what must not become a subject.
func (r *Relay) check(c Call) *Error {
	for _, id := range [...][2]string{{"tenant", c.Tenant}, {"user", c.User}, {"device", c.Device}, {"service", c.Service}, {"method", c.Method}} {
		if err := wire.CheckID(id[0], id[1]); err != nil {
			return &Error{Code: wire.StatusInvalid, Message: err.Error()}
		}
	}
	if !r.cfg.Catalog.ServiceAllowed(c.Tenant, c.Service, c.Method) {
		return &Error{Code: wire.StatusPermissionDenied, Message: fmt.Sprintf("service %s/%s is not on the tenant's list", c.Service, c.Method)}
	}
	if c.Service == routing.ServiceSync {
		if _, ok := r.cfg.Catalog.Kind(c.Tenant, c.Method); !ok {
			return &Error{Code: wire.StatusNotFound, Message: fmt.Sprintf("there is no kind %s", c.Method)}
		}
	}
	if strings.ContainsAny(c.Token, "\r\n") {
		return &Error{Code: wire.StatusUnauthenticated, Message: "the token is malformed"}
	}
	if len(c.Body) > wire.MaxBody {
		return &Error{Code: wire.StatusInvalid, Message: fmt.Sprintf("the request is too large: it has %d bytes, at most %d are allowed", len(c.Body), wire.MaxBody)}
	}
	return nil
}
