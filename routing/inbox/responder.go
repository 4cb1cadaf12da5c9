package inbox

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
	"github.com/hawser-edge/hawser/routing"
)

// Verifier checks a device's JWT.
type Verifier interface {
	Verify(token string) (tenant, user, device string, err error)
}

// ResponderConfig of a Responder.
type ResponderConfig struct {
	// Router is the router's name: edges ask it by that. Empty: it answers in
	// the queue group only.
	Router string
	// Conn needs a router's permissions.
	Conn     *nats.Conn
	Reader   *Reader
	Catalog  *routing.Catalog
	Verifier Verifier
	// Floor returns the newest sequences that this router was handed, of the
	// log and of a user's kind, which answers must include; nil: none is known.
	Floor func(tenant, user, kind string) (log, own uint64)
	// MaxInFlight bounds the requests in work and waiting for the log; more
	// are refused as unavailable. Who is refused asks again, which costs more
	// than to wait. 0: 2048.
	MaxInFlight int
	// MaxWait bounds one answer where the request says nothing. 0: 5 s.
	MaxWait    time.Duration
	Log        *slog.Logger
	Registerer prometheus.Registerer
}

// Responder answers devices' sync requests for the kinds that hawser numbers.
type Responder struct {
	// Static after construction.
	cfg      ResponderConfig
	requests *prometheus.CounterVec
	slots    chan struct{}

	wg sync.WaitGroup
}

// NewResponder checks the configuration; Run does the work.
func NewResponder(cfg ResponderConfig) *Responder {
	if cfg.MaxInFlight == 0 {
		cfg.MaxInFlight = 2048
	}
	if cfg.MaxWait == 0 {
		cfg.MaxWait = 5 * time.Second
	}
	if cfg.Floor == nil {
		cfg.Floor = func(string, string, string) (log, own uint64) { return 0, 0 }
	}
	return &Responder{cfg: cfg, requests: newSyncMetrics(cfg.Registerer), slots: make(chan struct{}, cfg.MaxInFlight)}
}

// Run answers until ctx ends. It then leaves the queue group, finishes what
// it has begun and returns.
func (r *Responder) Run(ctx context.Context) error {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	subs, err := r.subscribe(work)
	defer func() {
		for _, s := range subs {
			if err := s.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
				r.cfg.Log.Warn("the subscription to devices' syncs does not end", "subject", s.Subject, "error", err)
			}
		}
		r.wg.Wait()
	}()
	if err != nil {
		return fmt.Errorf("sync responder: %w", err)
	}
	<-ctx.Done()
	return nil
}

// subscribe joins the queue group for each kind, and takes what is asked of
// this router by its name. What it opened before an error is returned too.
func (r *Responder) subscribe(ctx context.Context) (subs []*nats.Subscription, err error) {
	take := func(m *nats.Msg) { r.take(ctx, m) }
	if r.cfg.Router != "" {
		// One for all kinds: of those that this router does not know yet the
		// edge then asks the group.
		s, err := r.cfg.Conn.Subscribe(routing.AtRouter(r.cfg.Router, routing.SyncAll), take)
		if err != nil {
			return nil, fmt.Errorf("subscribe for router %s: %w", r.cfg.Router, err)
		}
		subs = append(subs, s)
	}
	for _, tenant := range r.cfg.Catalog.Tenants() {
		for _, kind := range r.cfg.Catalog.Kinds(tenant) {
			if k, _ := r.cfg.Catalog.Kind(tenant, kind); k.Backend {
				continue
			}
			s, err := r.cfg.Conn.QueueSubscribe(routing.SyncSubject(tenant, kind), routing.QueueSync, take)
			if err != nil {
				return subs, fmt.Errorf("subscribe for kind %s of tenant %s: %w", kind, tenant, err)
			}
			subs = append(subs, s)
		}
	}
	return subs, nil
}

// take runs on a subscription's goroutine and does not block.
func (r *Responder) take(ctx context.Context, m *nats.Msg) {
	select {
	case r.slots <- struct{}{}:
	default:
		r.fail(m, &routing.StatusError{Code: wire.StatusUnavailable, Message: "sync is busy: ask again in a second"})
		return
	}
	r.wg.Go(func() {
		defer func() { <-r.slots }()
		r.answer(ctx, m)
	})
}

func (r *Responder) answer(ctx context.Context, m *nats.Msg) {
	ctx, cancel := context.WithTimeout(ctx, r.deadline(m))
	defer cancel()
	resp, fault := r.serve(ctx, m)
	if fault != nil {
		r.fail(m, fault)
		return
	}
	body, err := proto.Marshal(resp)
	if err != nil {
		r.fail(m, &routing.StatusError{Code: wire.StatusInternal, Message: "sync: the answer can not be encoded"})
		return
	}
	if !routing.SafeReply(m.Reply) {
		r.requests.WithLabelValues(syncUnsafe).Inc()
		return
	}
	r.requests.WithLabelValues(wire.StatusOK.String()).Inc()
	if err := m.Respond(body); err != nil {
		r.cfg.Log.Warn("an answer to a sync was not sent: its device asks again", "error", err)
	}
}

func (r *Responder) fail(m *nats.Msg, e *routing.StatusError) {
	r.requests.WithLabelValues(e.Code.String()).Inc()
	if err := routing.RespondError(m, e); err != nil {
		r.cfg.Log.Warn("an answer to a sync was not sent: its device asks again", "status", e.Code.String(), "error", err)
	}
}

// deadline is how long the device still waits, within bounds.
func (r *Responder) deadline(m *nats.Msg) time.Duration {
	ms, err := strconv.ParseInt(m.Header.Get(routing.HeaderDeadlineMs), 10, 64)
	if err != nil || ms <= 0 || ms > r.cfg.MaxWait.Milliseconds() {
		return r.cfg.MaxWait
	}
	return time.Duration(ms) * time.Millisecond
}

// serve takes the user from the verified token and from nowhere else.
func (r *Responder) serve(ctx context.Context, m *nats.Msg) (*wirepb.SyncResponse, *routing.StatusError) {
	tenant, kind, err := routing.ParseSync(m.Subject)
	if err != nil {
		return nil, &routing.StatusError{Code: wire.StatusInvalid, Message: err.Error()}
	}
	// Before the token: of a tenant that it does not know a router could verify
	// none.
	if k, ok := r.cfg.Catalog.Kind(tenant, kind); !ok || k.Backend {
		return nil, &routing.StatusError{Code: wire.StatusNotFound, Message: "sync: this router does not number kind " + kind}
	}
	owner, user, _, err := r.cfg.Verifier.Verify(m.Header.Get(routing.HeaderToken))
	if err != nil {
		return nil, &routing.StatusError{Code: wire.StatusUnauthenticated, Message: "sync: the token was refused: renew it"}
	}
	if owner != tenant {
		return nil, &routing.StatusError{Code: wire.StatusPermissionDenied, Message: "sync: the token belongs to another tenant"}
	}
	var req wirepb.SyncRequest
	if err := proto.Unmarshal(m.Data, &req); err != nil {
		return nil, &routing.StatusError{Code: wire.StatusInvalid, Message: "sync: the body is not a SyncRequest"}
	}
	limits := Limits{Items: int(min(max(req.GetLimit(), 0), maxPageItems))}
	limits.MinSeq, limits.KindSeq = r.cfg.Floor(tenant, user, kind)
	page, err := r.cfg.Reader.Since(ctx, tenant, user, kind, req.GetSince(), limits)
	if err != nil {
		return nil, r.fault(err)
	}
	return page.proto(), nil
}

func (r *Responder) fault(err error) *routing.StatusError {
	switch {
	case errors.Is(err, ErrUnavailable):
		return &routing.StatusError{Code: wire.StatusUnavailable, Message: "sync: the log does not answer: ask again in a second"}
	case errors.Is(err, wire.ErrVersion):
		return &routing.StatusError{Code: wire.StatusInvalid, Message: "sync: " + err.Error()}
	case errors.Is(err, ErrUnknownKind):
		return &routing.StatusError{Code: wire.StatusNotFound, Message: "sync: " + err.Error()}
	case errors.Is(err, ErrBackendNumbered):
		return &routing.StatusError{Code: wire.StatusFailedPrecondition, Message: "sync: " + err.Error()}
	default:
		r.cfg.Log.Error("the log cannot be read for a sync: its device is told so", "error", err)
		return &routing.StatusError{Code: wire.StatusInternal, Message: "sync: reading the log failed"}
	}
}

func (p Page) proto() *wirepb.SyncResponse {
	resp := &wirepb.SyncResponse{Head: p.Head, More: p.More, SnapshotNeeded: p.SnapshotNeeded, ResetToHead: p.ResetToHead}
	for _, it := range p.Items {
		resp.Items = append(resp.Items, &wirepb.Item{Version: it.Version, Data: it.Data})
	}
	return resp
}
