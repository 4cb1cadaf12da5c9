package session

import (
	"context"
	"errors"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"golang.org/x/time/rate"
)

// requests are the device's calls to core services. Guarded by the session's
// mu. The zero value is ready: a session that asks for nothing has nothing.
type requests struct {
	// pending holds a request until its response has been handed to the
	// socket, so that responses which a device does not read count too.
	pending map[uint64]pending
	limiter *rate.Limiter
}

// pending is a request that has no response yet.
type pending struct {
	cancel context.CancelFunc
	// syncs is the kind that it fetches, or empty.
	syncs string
}

// syncService is what a device calls to fetch; the method is the kind.
const syncService = "sync"

func pendingOf(f *wire.Request, cancel context.CancelFunc) pending {
	p := pending{cancel: cancel}
	if f.Service == syncService {
		p.syncs = f.Method
	}
	return p
}

// fetches reports whether the device fetches a kind at this moment.
func (r *requests) fetches(kind string) bool {
	for _, p := range r.pending {
		if p.syncs == kind {
			return true
		}
	}
	return false
}

// idle reports whether nothing would be lost with the requests.
func (r *requests) idle() bool {
	return len(r.pending) == 0 && (r.limiter == nil || r.limiter.Tokens() >= float64(r.limiter.Burst()))
}

func (r *requests) doneLocked(id uint64) {
	delete(r.pending, id)
	if len(r.pending) == 0 {
		r.pending = nil
	}
}

func (r *requests) cancelLocked() {
	for _, p := range r.pending {
		p.cancel()
	}
}

// allowLocked reports whether another request is within the limits.
func (r *requests) allowLocked(l *Limits) bool {
	if r.limiter == nil {
		r.limiter = rate.NewLimiter(rate.Limit(l.RequestsPerSecond), 2*l.RequestsPerSecond)
	}
	return len(r.pending) < l.MaxRequests && r.limiter.Allow()
}

// request relays a call, or refuses it.
func (s *session) request(f *wire.Request) *ending {
	limits := &s.cfg().Limits
	s.lock()
	defer s.unlock()
	if s.closingLocked() {
		return nil
	}
	if _, ok := s.requests.pending[f.ID]; ok {
		return endRequestID
	}
	if !s.requests.allowLocked(limits) {
		s.countRequest(wire.StatusExhausted)
		return s.queueLocked(&wire.Response{ID: f.ID, Status: wire.StatusExhausted, Message: "too many requests: see limits in Welcome"})
	}
	timeout := min(or(f.Timeout, limits.RequestTimeout), limits.MaxRequestTimeout)
	ctx, cancel := context.WithTimeout(s.serving.ctx, timeout)
	if s.requests.pending == nil {
		s.requests.pending = make(map[uint64]pending)
	}
	s.requests.pending[f.ID] = pendingOf(f, cancel)
	call := Call{s.device().tenant, s.device().user, s.device().device, s.tokenLocked(), f.Service, f.Method, f.Body}
	s.serving.wg.Go(func() {
		defer cancel()
		s.respond(s.relay(ctx, f.ID, call))
	})
	return nil
}

// relay makes the call and turns its result into a response.
func (s *session) relay(ctx context.Context, id uint64, call Call) *wire.Response {
	start := time.Now()
	body, err := s.cfg().Relay.Call(ctx, call)
	r := &wire.Response{ID: id, Body: body}
	if err == nil && len(body) > wire.MaxBody {
		err = errors.New("the service's answer is too large for a frame")
	}
	if err == nil {
		return r
	}
	r.Body = nil
	r.Status, r.Message = status(err)
	if call.Service == syncService && (r.Status == wire.StatusUnavailable || r.Status == wire.StatusDeadline) {
		s.syncFailed(call.Method)
	}
	if r.Status == wire.StatusInternal {
		s.cfg().Log.Warn("a device's call of a service failed", "tenant", call.Tenant, "service", call.Service, "method", call.Method,
			"took_s", time.Since(start).Seconds(), "error", err)
	}
	return r
}

// syncFailed notes that a device could not fetch a kind.
func (s *session) syncFailed(kind string) {
	s.lock()
	defer s.unlock()
	if k := s.kindLocked(kind); k != nil {
		k.failed(s.serving.srv.hub.backs.Load())
	}
}

// status is what a device is told of a Relay's error.
func status(err error) (wire.Status, string) {
	var told StatusError
	switch {
	case errors.As(err, &told) && told.Status() != wire.StatusOK:
		return told.Status(), told.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return wire.StatusDeadline, "no answer came in time"
	case errors.Is(err, context.Canceled):
		return wire.StatusUnavailable, "the connection ends"
	}
	return wire.StatusInternal, "the request failed"
}

// respond hands the response to the writer.
func (s *session) respond(r *wire.Response) {
	s.countRequest(r.Status)
	s.lock()
	defer s.unlock()
	if s.closingLocked() {
		return
	}
	s.out.responses = append(s.out.responses, r)
	s.kickLocked()
}

// countRequest keeps the label's values few: a service may make up a status.
func (s *session) countRequest(status wire.Status) {
	if status > wire.StatusFailedPrecondition {
		status = wire.StatusInternal
	}
	s.serving.srv.metrics.requests.WithLabelValues(status.String()).Inc()
}
