package publish

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/hawserv1/hawserv1connect"
)

// maxBody bounds a request: an item in base64, a push, and room.
const maxBody = 96 << 10

// maxManyBody bounds a NotifyMany: a thousand events of 4 kB, or a hundred
// with the greatest items.
const maxManyBody = 4 << 20

// Handler serves hawser.v1.Publisher with the Connect, gRPC and gRPC-Web
// protocols. It returns the path to mount it at.
func (s *Service) Handler() (path string, h http.Handler) {
	path, small := hawserv1connect.NewPublisherHandler(door{s: s}, connect.WithReadMaxBytes(maxBody))
	_, large := hawserv1connect.NewPublisherHandler(door{s: s}, connect.WithReadMaxBytes(maxManyBody), boundedCodecs())
	small, large = http.MaxBytesHandler(small, maxBody), s.hold(http.MaxBytesHandler(large, maxManyBody))
	return path, s.admit(s.countUnreadable(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == hawserv1connect.PublisherNotifyManyProcedure {
			large.ServeHTTP(w, r)
		} else {
			small.ServeHTTP(w, r)
		}
	})))
}

// admit lets only requests with a tenant's key through. It does not touch the
// body: what a stranger sends is neither waited for nor parsed.
func (s *Service) admit(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, fault := s.tenant(r.Header)
		if fault != nil {
			refuse(w, r, fault)
			return
		}
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), tenantKey{}, tenant)))
	})
}

// hold takes a place for a large body before it is read, and until its call is
// over: it is memory from its first byte on.
func (s *Service) hold(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tenant, _ := r.Context().Value(tenantKey{}).(string)
		if !s.bodies.take(tenant) {
			tenantOf(r.Context())
			refuse(w, r, s.called(notifyMany.name, tooMany(notifyMany.name)))
			return
		}
		defer s.bodies.leave(tenant)
		h.ServeHTTP(w, r)
	})
}

// refuse answers without a look at the body.
func refuse(w http.ResponseWriter, r *http.Request, fault *Error) {
	if r.ProtoMajor == 1 {
		// Otherwise net/http reads the rest of the body before it answers.
		w.Header().Set("Connection", "close")
	}
	_ = connect.NewErrorWriter().Write(w, r, connectError(fault)) // fails only where nobody listens
}

// tenantKey finds the name of the tenant whose key a request carries.
type tenantKey struct{}

// countUnreadable counts the requests that the protocol's library refused, so
// that the door never saw them.
func (s *Service) countUnreadable(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen := new(bool)
		h.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), seenKey{}, seen)))
		if !*seen {
			s.metrics.results.WithLabelValues(resultUnreadable).Inc()
		}
	})
}

// seenKey finds the bool of a request that tells whether the door saw it.
type seenKey struct{}

// HTTPServer returns a server for the handler that speaks HTTP/1.1 and
// HTTP/2, with and without TLS, which gRPC needs. The caller sets Addr and
// runs it.
func HTTPServer(h http.Handler) *http.Server {
	var p http.Protocols
	p.SetHTTP1(true)
	p.SetHTTP2(true)
	p.SetUnencryptedHTTP2(true)
	return &http.Server{
		Handler: h, Protocols: &p,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 16 << 10,
	}
}

// door is the HTTP and gRPC door.
type door struct {
	// What is not implemented below is answered so.
	hawserv1connect.UnimplementedPublisherHandler
	s *Service
}

// Notify implements hawserv1connect.PublisherHandler.
func (d door) Notify(ctx context.Context, req *connect.Request[hawserv1.NotifyRequest]) (*connect.Response[hawserv1.NotifyResponse], error) {
	res, err := d.s.Publish(ctx, tenantOf(ctx), requestOf(req.Msg))
	if err != nil {
		return nil, connectError(AsError(err))
	}
	return connect.NewResponse(res.proto()), nil
}

// tenantOf returns whose call it is, for a request that has reached the door;
// the service refuses an empty one.
func tenantOf(ctx context.Context) string {
	if seen, ok := ctx.Value(seenKey{}).(*bool); ok {
		*seen = true
	}
	tenant, _ := ctx.Value(tenantKey{}).(string)
	return tenant
}

// tenant is whose key the request carries.
func (s *Service) tenant(h http.Header) (string, *Error) {
	scheme, key, _ := strings.Cut(h.Get("Authorization"), " ")
	if key = strings.TrimSpace(key); strings.EqualFold(scheme, "bearer") && key != "" {
		if tenant, ok := s.cfg.Catalog.TenantByKey(key); ok {
			return tenant, nil
		}
	}
	fault := &Error{Code: connect.CodeUnauthenticated, result: resultDenied,
		Message: "send the header \"Authorization: Bearer KEY\" with one of the tenant's API keys"}
	s.metrics.results.WithLabelValues(fault.result).Inc()
	return "", fault
}

func requestOf(m *hawserv1.NotifyRequest) Request {
	return Request{User: m.GetUser(), Kind: m.GetKind(), Item: m.GetItem(), ID: m.GetId(),
		Version: m.GetVersion(), Urgency: routing.Urgency(m.GetUrgency()), Push: m.GetPush()}
}

// proto sets both fields always, also a duplicate of false.
func (r Result) proto() *hawserv1.NotifyResponse {
	return &hawserv1.NotifyResponse{Version: r.Version, Duplicate: &r.Duplicate}
}

func connectError(e *Error) error {
	err := connect.NewError(e.Code, errors.New(e.Message))
	if e.RetryAfter > 0 {
		err.Meta().Set("Retry-After", strconv.Itoa(int(math.Ceil(e.RetryAfter.Seconds()))))
	}
	return err
}
