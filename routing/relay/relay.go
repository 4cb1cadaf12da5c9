// Package relay is the edge's side of upstream calls: it carries a device's
// Request to its tenant's service over NATS and the answer back. Any NATS
// responder will do; nats micro is the template.
//
// A service subscribes to hawser.v1.up.<tenant>.<service>.<method> and finds
// the device's bytes in the body, the device's own JWT in Hawser-Token, which
// it must verify, and how long the device still waits in Hawser-Deadline-Ms.
// An error is answered with the headers of nats micro, Nats-Service-Error and
// Nats-Service-Error-Code, where the code is read like HTTP's.
package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/replies"
)

// MaxAnswer is the greatest answer, in bytes: it must fit a frame with the
// Response around it.
const MaxAnswer = wire.MaxPayload - 1<<10

// maxMessage bounds the text of a service's error.
const maxMessage = 256

// Config of a Relay.
type Config struct {
	// Edge is the edge's name.
	Edge string
	// Conn needs an edge's permissions.
	Conn    *nats.Conn
	Catalog *routing.Catalog
	// MaxInFlight bounds the calls that wait for an answer; the services of
	// one tenant may take three quarters of it. 0: 10,000.
	MaxInFlight int
	// DefaultTimeout is for calls whose context has no deadline. 0: 10 s.
	DefaultTimeout time.Duration
	Registerer     prometheus.Registerer
}

// Relay carries calls. It may be used by many goroutines.
type Relay struct {
	// Static after construction.
	cfg     Config
	mux     *replies.Mux
	shares  *shares
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
	if err := wire.CheckID("edge", cfg.Edge); err != nil {
		return nil, err
	}
	mux, err := replies.New(cfg.Conn, routing.InboxPrefix(routing.RoleEdge, cfg.Edge)+".up", cfg.MaxInFlight)
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return &Relay{cfg: cfg, mux: mux, shares: newShares(cfg.Catalog, cfg.MaxInFlight), metrics: newMetrics(cfg.Registerer, mux)}, nil
}

// Close ends the relay: calls in flight hear nothing more.
func (r *Relay) Close() error { return r.mux.Close() }

// Call carries a request and returns the answer's body, or an error that has
// a Status. The call is sent at most once, so that after StatusDeadline it is
// not known whether it took effect; only a sync, which takes none, is sent
// again while nobody answers.
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
		return nil, &Error{Code: wire.StatusUnavailable, Message: "the edge is cut off from its services: ask again later"}
	}
	if !r.shares.take(c) {
		return nil, &Error{Code: wire.StatusUnavailable, Message: "the tenant's services have too many calls open: ask again later"}
	}
	defer r.shares.release(c)
	mail, ok := r.mux.Open(c.Tenant, 1)
	if !ok {
		return nil, &Error{Code: wire.StatusUnavailable, Message: "the edge has too many calls open: ask again later"}
	}
	defer mail.Close()
	for {
		if err := r.cfg.Conn.PublishMsg(message(ctx, c, mail.Reply)); err != nil {
			return nil, sendFault(err)
		}
		again, stop := askAgain(c)
		select {
		case m := <-mail.C:
			stop()
			return answer(c, m)
		case <-ctx.Done():
			stop()
			return nil, &Error{Code: wire.StatusDeadline, Message: fmt.Sprintf("%s/%s did not answer in time", c.Service, c.Method)}
		case <-again:
			r.metrics.repeated.Inc()
		}
	}
}

// syncPatience is how long one responder may take to answer a sync before
// another one is asked: far above what an answer takes, far below what a
// device waits.
const syncPatience = 2 * time.Second

// askAgain says when a call is to be sent once more: a responder that died or
// hangs with a question in its hands stays in the queue group until NATS
// notices. Only a sync, which reads and changes nothing, may be repeated; of
// two answers the first one counts.
func askAgain(c Call) (again <-chan time.Time, stop func()) {
	if c.Service != routing.ServiceSync {
		return nil, func() {}
	}
	timer := time.NewTimer(syncPatience)
	return timer.C, func() { timer.Stop() }
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
	return nil
}

func message(ctx context.Context, c Call, reply string) *nats.Msg {
	left := int64(1)
	if d, ok := ctx.Deadline(); ok {
		left = max(time.Until(d).Milliseconds(), 1)
	}
	return &nats.Msg{
		Subject: routing.UpstreamSubject(c.Tenant, c.Service, c.Method), Reply: reply, Data: c.Body,
		Header: nats.Header{
			routing.HeaderToken: {c.Token}, routing.HeaderUser: {c.User}, routing.HeaderDevice: {c.Device},
			routing.HeaderDeadlineMs: {strconv.FormatInt(left, 10)},
		},
	}
}

func sendFault(err error) *Error {
	if errors.Is(err, nats.ErrMaxPayload) {
		return &Error{Code: wire.StatusInvalid, Message: "the request is too large"}
	}
	return &Error{Code: wire.StatusUnavailable, Message: "the request could not be sent: ask again later"}
}

func answer(c Call, m *nats.Msg) ([]byte, *Error) {
	if m.Header.Get("Status") == "503" && len(m.Data) == 0 {
		return nil, &Error{Code: wire.StatusUnavailable, Message: fmt.Sprintf("no service answers %s/%s", c.Service, c.Method)}
	}
	code, text := m.Header.Get(routing.HeaderServiceErrorCode), m.Header.Get(routing.HeaderServiceError)
	if code != "" || text != "" {
		return nil, &Error{Code: routing.StatusOfCode(code), Message: clip(text)}
	}
	if len(m.Data) > MaxAnswer {
		return nil, &Error{Code: wire.StatusInternal, Message: fmt.Sprintf("the answer of %s/%s has %d bytes: more than the %d that fit a frame", c.Service, c.Method, len(m.Data), MaxAnswer)}
	}
	return m.Data, nil
}

// clip bounds a service's own words and makes them valid text.
func clip(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage]
	}
	return strings.ToValidUTF8(s, "")
}
