package httpservice

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/breaker"
	"github.com/hawser-edge/hawser/routing/signature"
)

// fairWait is the least time in which a service must have had the chance to
// answer. What a device gave less for is the device's fault.
const fairWait = 3 * time.Second

// answer makes the call of m and returns its body, or what the device is told.
func (b *Bridge) answer(ctx context.Context, t *tenant, m *nats.Msg) ([]byte, *routing.StatusError) {
	ctx, cancel := context.WithTimeout(ctx, b.deadline(m))
	defer cancel()
	c, fault := b.call(t, m)
	if fault != nil {
		return nil, fault
	}
	to := t.target(b.cfg.Catalog, c.Service, c.Method)
	if to == nil {
		return nil, &routing.StatusError{Code: wire.StatusNotFound, Message: fmt.Sprintf("there is no service %s/%s", c.Service, c.Method)}
	}
	permit, _, ok := to.breaker.Allow()
	if !ok {
		return nil, &routing.StatusError{Code: wire.StatusUnavailable, Message: fmt.Sprintf("service %s does not answer: ask again later", c.Service)}
	}
	start := time.Now()
	r := b.post(ctx, t, to, c, m.Header.Get(routing.HeaderToken))
	to.breaker.Done(permit, r.shows(time.Since(start)))
	if r.fault != nil && r.fault.Code == wire.StatusInternal {
		b.failed(to, c, r)
	}
	return r.body, r.fault
}

// failed logs what an operator may have to mend, without the service's own
// words: they may be about a user.
func (b *Bridge) failed(to *target, c signature.Call, r result) {
	reason := ""
	if r.status < 400 {
		reason = r.fault.Message
	}
	b.cfg.Log.Warn("call of a service over HTTP failed", "tenant", c.Tenant, "service", c.Service, "method", c.Method,
		"host", to.url.Host, "http_status", r.status, "reason", reason, "error", r.cause)
}

// call is what m asks for. Who asks is taken from the verified token and from
// nowhere else: an edge's word is not enough to be signed.
func (b *Bridge) call(t *tenant, m *nats.Msg) (signature.Call, *routing.StatusError) {
	owner, service, method, err := routing.ParseUpstream(m.Subject)
	if err != nil {
		return signature.Call{}, &routing.StatusError{Code: wire.StatusInvalid, Message: "the service or the method is not a name"}
	}
	tenant, user, device, err := b.cfg.Verifier.Verify(m.Header.Get(routing.HeaderToken))
	switch {
	case err != nil:
		return signature.Call{}, &routing.StatusError{Code: wire.StatusUnauthenticated, Message: "the token was refused: renew it"}
	case tenant != owner || tenant != t.name:
		return signature.Call{}, &routing.StatusError{Code: wire.StatusPermissionDenied, Message: "the token belongs to another tenant"}
	case len(m.Data) > wire.MaxBody:
		return signature.Call{}, &routing.StatusError{Code: wire.StatusInvalid, Message: "the request is too large"}
	}
	c := signature.Call{Tenant: tenant, User: user, Device: device, Service: service, Method: method, Body: m.Data}
	if service == routing.ServiceSync {
		if c.Body, err = syncToJSON(m.Data); err != nil {
			return c, &routing.StatusError{Code: wire.StatusInvalid, Message: "sync: the body is not a SyncRequest"}
		}
	}
	return c, nil
}

// deadline is how long the device still waits, within bounds.
func (b *Bridge) deadline(m *nats.Msg) time.Duration {
	ms, err := strconv.ParseInt(m.Header.Get(routing.HeaderDeadlineMs), 10, 64)
	if err != nil || ms <= 0 || ms > b.cfg.MaxTime.Milliseconds() {
		return b.cfg.MaxTime
	}
	return time.Duration(ms) * time.Millisecond
}

// post makes one HTTP request. The client sends it a second time only over a
// connection that had died unused, or where idempotent says that it may.
func (b *Bridge) post(ctx context.Context, t *tenant, to *target, c signature.Call, token string) result {
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.url.String(), bytes.NewReader(c.Body))
	if err != nil {
		return result{fault: &routing.StatusError{Code: wire.StatusInternal, Message: "the service's URL cannot be called"}}
	}
	b.header(req.Header, ctx, t, c, token)
	if b.cfg.Catalog.Idempotent(c.Tenant, c.Service, c.Method) {
		// An empty list lets the client repeat the request and is not sent.
		req.Header["Idempotency-Key"] = []string{}
	}
	resp, err := t.client.Do(req)
	if err != nil {
		return unanswered(ctx, err, sent.Load())
	}
	defer func() { _ = resp.Body.Close() }()
	return read(ctx, resp, c.Service == routing.ServiceSync)
}

func (b *Bridge) header(h http.Header, ctx context.Context, t *tenant, c signature.Call, token string) {
	signature.SetHeaders(h, t.secrets, time.Now(), c)
	h.Set(routing.HeaderToken, token)
	if d, ok := ctx.Deadline(); ok {
		h.Set(routing.HeaderDeadlineMs, strconv.FormatInt(max(time.Until(d).Milliseconds(), 1), 10))
	}
	h.Set("User-Agent", "hawser")
	h.Set("Content-Type", contentType)
	if c.Service == routing.ServiceSync {
		h.Set("Content-Type", contentJSON)
		h.Set("Accept", contentJSON)
	}
}

// shows says what a call shows of the service, after so long. Whoever answers
// is alive, whatever the answer, unless it says itself that it is not
// available.
func (r result) shows(took time.Duration) breaker.Outcome {
	switch {
	case r.late, r.status == http.StatusGatewayTimeout, r.status == http.StatusRequestTimeout:
		if took < fairWait {
			return breaker.Unknown
		}
		return breaker.Failed
	case r.status == 0, r.status == http.StatusBadGateway, r.status == http.StatusServiceUnavailable:
		return breaker.Failed
	}
	return breaker.Alive
}
