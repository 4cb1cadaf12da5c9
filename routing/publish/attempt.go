package publish

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// JetStream's error codes that mean something to a publisher.
const (
	codeStoreFailed = 10077
	codeInProcess   = 10158
)

// attempts stores one event, however many attempts it takes. All of them
// have the same message id, so that the event is stored once.
type attempts struct {
	// Static after construction.
	s     *Service
	event routing.Event
	// named: the id is the caller's.
	named bool

	// sent counts the attempts that may have reached the log.
	sent int
}

// hawser publishes an event that hawser numbers.
func (a *attempts) hawser(ctx context.Context) (Result, *Error) {
	var ack *jetstream.PubAck
	fault := a.retry(ctx, func(ctx context.Context) (err error) {
		ack, err = a.send(ctx)
		return err
	})
	if fault != nil {
		return Result{}, fault
	}
	a.stored(int64(ack.Sequence), ack)
	return Result{Version: int64(ack.Sequence), Duplicate: a.duplicate(ack)}, nil
}

// stored tells of what the log has taken.
func (a *attempts) stored(version int64, ack *jetstream.PubAck) {
	if e := a.event; a.s.cfg.Stored != nil && !ack.Duplicate {
		e.Version, e.Sequence = version, ack.Sequence
		a.s.cfg.Stored(e)
	}
}

// duplicate tells an earlier call's event from our own earlier attempt.
func (a *attempts) duplicate(ack *jetstream.PubAck) bool {
	return ack.Duplicate && (a.named || a.sent == 1)
}

// send makes one attempt.
func (a *attempts) send(ctx context.Context, opts ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	a.sent++
	opts = append(opts, jetstream.WithRetryAttempts(0), jetstream.WithExpectStream(routing.StreamInbox))
	return a.s.cfg.JS.PublishMsg(ctx, a.event.Message(), opts...)
}

// retry calls f until it succeeds, fails for good or ctx ends.
func (a *attempts) retry(ctx context.Context, f func(context.Context) error) *Error {
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		actx, cancel := context.WithTimeout(ctx, a.s.cfg.AttemptTimeout)
		err := f(actx)
		cancel()
		if err == nil {
			return nil
		}
		fault, again := classify(err)
		if !again {
			return fault
		}
		if !sleep.For(ctx, pause/2+rand.N(pause)) {
			return a.ended(ctx, fault)
		}
		a.s.metrics.retries.Inc()
	}
}

// ended is the fault where time ran out.
func (a *attempts) ended(ctx context.Context, last *Error) *Error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return &Error{Code: connect.CodeCanceled, Message: "the caller went away; whether the event is stored is not known", result: resultUnavailable, cause: ctx.Err()}
	}
	return last
}

// classify maps an attempt's error; again: another attempt may succeed.
func classify(err error) (fault *Error, again bool) {
	if errors.As(err, &fault) {
		return fault, false
	}
	var api *jetstream.APIError
	if errors.As(err, &api) {
		return classifyAPI(api)
	}
	switch {
	case errors.Is(err, nats.ErrConnectionClosed):
		return unavailable(err, 5*time.Second, "this router shuts down: repeat with the same id at another one"), false
	case errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrDisconnected):
		return unavailable(err, time.Second, "this router is not connected to NATS: repeat with the same id, at another router if there is one"), true
	case errors.Is(err, nats.ErrMaxPayload):
		return invalid("the event is larger than the NATS servers take: raise their max_payload to 1 MB"), false
	default:
		return unavailable(err, time.Second, "the log does not answer, a new leader may be in election: repeat with the same id after 1 s; the event may be stored already"), true
	}
}

func classifyAPI(api *jetstream.APIError) (fault *Error, again bool) {
	switch {
	case api.ErrorCode == codeStoreFailed:
		return &Error{Code: connect.CodeUnavailable, result: resultFull, RetryAfter: 30 * time.Second, cause: api,
			Message: fmt.Sprintf("the log is full (%s) and forgets nothing: an operator must raise its max bytes; repeat with the same id after 30 s", api.Description)}, false
	case api.ErrorCode == codeInProcess:
		return unavailable(api, time.Second, "the same id is being stored by another call: repeat after 1 s"), true
	case jsapi.WrongSequence(api):
		return &Error{Code: connect.CodeAborted, result: resultConflict, RetryAfter: 50 * time.Millisecond, cause: api,
			Message: "several publishers number this user's kind at once: repeat with the same id"}, true
	case api.Code == http.StatusServiceUnavailable:
		return unavailable(api, time.Second, "JetStream is not ready (%s): repeat with the same id after 1 s", api.Description), true
	default:
		return internal(api), false
	}
}
