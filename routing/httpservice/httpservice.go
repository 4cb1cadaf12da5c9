// Package httpservice serves the calls of devices for services that speak
// HTTP: a router takes them from NATS, in a queue group with its fellows, and
// POSTs each to the URL that the tenant's configuration names.
//
// # What a service gets
//
// The body is the device's. The headers say the rest: Hawser-Tenant,
// Hawser-User and Hawser-Device, out of the device's token, which the router
// has verified; Hawser-Service and Hawser-Method; Hawser-Deadline-Ms, after
// which nobody waits for the answer any more; Hawser-Token, the token itself;
// and Hawser-Signature, which package signature explains.
//
// A sync is JSON, so that a service needs no protobuf: {"since":"17",
// "limit":"0"}, to be answered with the JSON of a SyncResponse of
// gateway/wire/wirepb/wire.proto.
//
// # What it answers
//
// 200 with up to 63 KiB is the device's answer. Other codes are told to the
// device as a status, as routing.StatusOfCode maps them: 400 and 422 invalid,
// 401 unauthenticated, 403 permission denied, 404 not found, 408 and 504
// deadline, 409 and 412 failed precondition, 429 exhausted, 502 and 503
// unavailable, all else internal; up to 256 bytes of a text/plain body go with
// it. Redirects are not followed.
//
// # What it cannot be made to do
//
// A device chooses the body and, where a whole service is allowed, the method,
// which travels in a header: no part of a URL is a device's, nor an answer's.
// A call is made once, unless the catalogue says that it is idempotent. One
// tenant's services share no connection, no place and no breaker with
// another's.
package httpservice

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// Verifier checks a device's JWT.
type Verifier interface {
	Verify(token string) (tenant, user, device string, err error)
}

// Config of a Bridge.
type Config struct {
	// Conn needs a router's permissions.
	Conn     *nats.Conn
	Catalog  *routing.Catalog
	Verifier Verifier
	// Secrets sign a tenant's calls, by tenant. Each tenant with a URL needs
	// one at least.
	Secrets map[string][][]byte
	// RootCAs are the authorities of the services' certificates; nil: the
	// system's.
	RootCAs *x509.CertPool
	// MaxCalls bounds the calls of one tenant that are under way; more are
	// refused. 0: 256.
	MaxCalls int
	// MaxTime bounds a call whatever the device says. 0: 30 s.
	MaxTime    time.Duration
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Bridge answers calls by HTTP.
type Bridge struct {
	// Static after construction.
	cfg     Config
	tenants map[string]*tenant
	metrics *metrics

	wg sync.WaitGroup
}

// New checks that every URL can be called; Run does the work.
func New(cfg Config) (*Bridge, error) {
	if cfg.MaxCalls == 0 {
		cfg.MaxCalls = 256
	}
	if cfg.MaxTime == 0 {
		cfg.MaxTime = 30 * time.Second
	}
	b := &Bridge{cfg: cfg, tenants: map[string]*tenant{}}
	for _, name := range cfg.Catalog.Tenants() {
		t, err := newTenant(cfg, name)
		if err != nil {
			return nil, fmt.Errorf("services of tenant %s: %w", name, err)
		}
		if t != nil {
			b.tenants[name] = t
		}
	}
	b.metrics = newMetrics(cfg.Registerer, b)
	return b, nil
}

// Run answers until ctx ends. It then leaves the queue group, finishes what
// it has been given and returns.
func (b *Bridge) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	var subs []*subscription
	defer func() {
		b.leave(subs)
		b.wg.Wait()
		for _, t := range b.tenants {
			t.client.CloseIdleConnections()
		}
	}()
	for name, t := range b.tenants {
		for _, subject := range b.cfg.Catalog.UpstreamOverHTTP(name) {
			s, err := b.cfg.Conn.QueueSubscribe(subject, routing.QueueServices, func(m *nats.Msg) { b.take(work, t, m) })
			if err != nil {
				return fmt.Errorf("services over HTTP: subscribe to %s: %w", subject, err)
			}
			subs = append(subs, watch(s))
		}
	}
	<-ctx.Done()
	return nil
}

// subscription is one that tells when its last message has been taken.
type subscription struct {
	*nats.Subscription
	over chan struct{} // closed then
}

func watch(s *nats.Subscription) *subscription {
	w := &subscription{s, make(chan struct{})}
	s.SetClosedHandler(func(string) { close(w.over) })
	return w
}

// leaveLimit bounds leaving where NATS is away.
const leaveLimit = 3 * time.Second

// leave ends the subscriptions and waits until what NATS has sent is taken: a
// call that was given to this router is asked of no other.
func (b *Bridge) leave(subs []*subscription) {
	limit := time.NewTimer(leaveLimit)
	defer limit.Stop()
	for _, s := range subs {
		if err := s.Drain(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			b.cfg.Log.Warn("the subscription to calls of services over HTTP does not end", "subject", s.Subject, "error", err)
		}
	}
	for _, s := range subs {
		select {
		case <-s.over:
		case <-limit.C:
			return
		}
	}
}

// take runs on a subscription's goroutine and does not block.
func (b *Bridge) take(ctx context.Context, t *tenant, m *nats.Msg) {
	select {
	case t.slots <- struct{}{}:
	default:
		b.respond(m, nil, &routing.StatusError{Code: wire.StatusExhausted, Message: "the tenant's services have too many calls under way: ask again later"})
		return
	}
	b.wg.Go(func() {
		defer func() { <-t.slots }()
		start := time.Now()
		body, fault := b.answer(ctx, t, m)
		b.metrics.seconds.Observe(time.Since(start).Seconds())
		b.respond(m, body, fault)
	})
}

func (b *Bridge) respond(m *nats.Msg, body []byte, fault *routing.StatusError) {
	err := error(nil)
	switch {
	case fault != nil:
		b.metrics.calls.WithLabelValues(fault.Code.String()).Inc()
		err = routing.RespondError(m, fault)
	case !routing.SafeReply(m.Reply):
		b.metrics.calls.WithLabelValues(wire.StatusInvalid.String()).Inc()
		err = routing.ErrUnsafeReply
	default:
		b.metrics.calls.WithLabelValues(wire.StatusOK.String()).Inc()
		err = m.Respond(body)
	}
	if err != nil {
		b.cfg.Log.Warn("an answer of a service over HTTP was not sent: its device waits in vain", "error", err)
	}
}
