// Package publish takes events from backends and stores them in the inbox
// log. One Service does the work behind two doors: HTTP and gRPC (http.go)
// and plain NATS (nats.go). Nobody else writes inbox subjects.
//
// An answer means that the event is stored on a majority of the servers.
// Where none comes the caller repeats with the same id: the log remembers ids
// of (tenant, user, kind) for a window and answers the repeat with the first
// version.
package publish

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/events"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// Config of a Service.
type Config struct {
	// JS needs a router's permissions.
	JS      jetstream.JetStream
	Reader  *inbox.Reader
	Catalog *routing.Catalog
	// Presence tells where users' devices are; nil: calls of that kind are
	// refused. An error that wraps routing.ErrTooManyDevices is the caller's.
	Presence func(ctx context.Context, tenant string, users []string) (*hawserv1.PresenceResponse, error)
	// Users acts on users; nil: calls of that kind are refused.
	Users Users
	// MaxWait bounds one call, retries included, where its context has no
	// earlier deadline. Electing a new leader takes NATS 4 to 9 s. 0: 15 s.
	MaxWait time.Duration
	// AttemptTimeout bounds one attempt. 0: 2 s.
	AttemptTimeout time.Duration
	// Pressure tells how hard publishers are to be held back, Crowded whether
	// a tenant's events are put off by this process's router. Both are called
	// for each event, by many goroutines; nil: nobody is held back.
	Pressure func() Pressure
	Crowded  func(tenant string) bool
	// Stored is told of each event once the log has it, before its caller is,
	// with its version and its place in the log; nil: nobody is told. It must
	// not block.
	Stored func(routing.Event)
	// MaxInFlight bounds the events in work; more are refused. 0: 1024.
	MaxInFlight int
	Log         *slog.Logger
	Registerer  prometheus.Registerer
}

// Service publishes events. It may be used by many goroutines.
type Service struct {
	// Static after construction.
	cfg      Config
	quotas   *quotas
	holdback *holdback
	metrics  *metrics
	slots    chan struct{}
	events   *events.Reader
	calls    *places
	polls    *places
	bodies   *places
	// many are the places of slots that events of NotifyMany may hold: the
	// other half is for those that come one by one, which do not wait.
	many chan struct{}
	// questions are the tenants' rates of Presence, for this router alone.
	questions map[string]*rate.Limiter
	// acts are those of Disconnect, DeleteDevice and DeleteUser together.
	acts map[string]*rate.Limiter
}

// New returns a service.
func New(cfg Config) *Service {
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 15 * time.Second
	}
	if cfg.AttemptTimeout == 0 {
		cfg.AttemptTimeout = 2 * time.Second
	}
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 1024
	}
	tenants := cfg.Catalog.Tenants()
	return &Service{
		cfg:       cfg,
		quotas:    newQuotas(cfg.Catalog),
		holdback:  newHoldback(cfg.Pressure, cfg.Crowded),
		metrics:   newMetrics(cfg.Registerer),
		slots:     make(chan struct{}, cfg.MaxInFlight),
		many:      make(chan struct{}, max(cfg.MaxInFlight/2, 1)),
		events:    events.NewReader(cfg.JS),
		calls:     newPlaces(tenants, maxCalls, maxCallsOfOne),
		polls:     newPlaces(tenants, maxPolls, maxPollsOfOne),
		bodies:    newPlaces(tenants, maxBodies, maxBodiesOfOne),
		questions: newLimiters(tenants, questionsPerSecond, questionsPerSecond),
		acts:      newLimiters(tenants, actsPerSecond, actsBurst),
	}
}

// Publish stores one event. Errors are *Error.
func (s *Service) Publish(ctx context.Context, tenant string, req Request) (Result, error) {
	if !s.take() {
		return Result{}, s.refused(busy())
	}
	defer s.release()
	return s.publish(ctx, tenant, req)
}

// take reserves a place without waiting; release gives it back.
func (s *Service) take() bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *Service) release() { <-s.slots }

// publish needs a place.
func (s *Service) publish(ctx context.Context, tenant string, req Request) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, s.cfg.MaxWait)
	defer cancel()
	e, kind, fault := s.check(tenant, req)
	if fault == nil {
		fault = s.quotas.take(tenant)
	}
	if fault == nil {
		fault = s.holdback.take(tenant, time.Now())
	}
	if fault != nil {
		return Result{}, s.refused(fault)
	}
	start := time.Now()
	a := &attempts{s: s, event: e, named: req.ID != ""}
	var res Result
	if kind.Backend {
		res, fault = a.backend(ctx)
	} else {
		res, fault = a.hawser(ctx)
	}
	if fault != nil {
		return Result{}, s.refused(fault, "tenant", e.Tenant, "user", e.User, "kind", e.Kind)
	}
	s.metrics.stored(res, time.Since(start))
	return res, nil
}

// refused counts an event that was not stored. The log says so, with what it was
// about, where an operator has to mend something.
func (s *Service) refused(e *Error, about ...any) error {
	s.metrics.results.WithLabelValues(e.result).Inc()
	if s.cfg.Log == nil {
		return e
	}
	switch {
	case e.Code == connect.CodeInternal:
		s.cfg.Log.With(about...).Error("an event was not stored, its backend is told that this is hawser's fault", "error", e.cause)
	case e.Code == connect.CodeUnavailable && e.cause != nil:
		s.cfg.Log.With(about...).Warn("the log did not take an event, its backend is told to repeat it: look at the NATS servers' log and disk",
			"result", e.result, "error", routing.Plain(e.cause))
	}
	return e
}

// AsError returns err as an *Error.
func AsError(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return internal(err)
}
