package publish

import (
	"context"
	"errors"
	"fmt"

	"connectrpc.com/connect"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// MaxJump is how far above the head a backend may number: a jump beyond it
// is taken for a mistake, such as nanoseconds for milliseconds, because no
// later event could ever go below it again. A kind's first event of a user
// may have any version.
const MaxJump = 1 << 40

// backend publishes an event that the backend numbers: above the head, which
// the log checks by the sequence of the message that was the head when it
// was read.
func (a *attempts) backend(ctx context.Context) (res Result, fault *Error) {
	fault = a.retry(ctx, func(ctx context.Context) error {
		var err error
		res, err = a.aboveHead(ctx)
		return err
	})
	return res, fault
}

func (a *attempts) aboveHead(ctx context.Context) (Result, error) {
	e := &a.event
	head, ok, err := a.s.cfg.Reader.Last(ctx, e.Tenant, e.User, e.Kind)
	if err != nil && !errors.Is(err, routing.ErrEvent) {
		return Result{}, err
	}
	if err != nil || (ok && !head.Backend) {
		return Result{}, mixed(e)
	}
	if ok && e.Version <= head.Version {
		return a.notAbove(ctx, head)
	}
	if ok && e.Version-head.Version > MaxJump {
		return Result{}, &Error{Code: connect.CodeInvalidArgument, result: resultJump, Message: fmt.Sprintf(
			"version %d is more than %d above the head %d: such a jump can not be taken back and is refused", e.Version, int64(MaxJump), head.Version)}
	}
	ack, err := a.send(ctx, jetstream.WithExpectLastSequencePerSubject(head.Sequence))
	if err != nil {
		return Result{}, err
	}
	if !ack.Duplicate {
		a.stored(e.Version, ack)
		return Result{Version: e.Version}, nil
	}
	return a.first(ctx, ack.Sequence)
}

// mixed: the log holds what the backend did not number.
func mixed(e *routing.Event) *Error {
	return &Error{Code: connect.CodeFailedPrecondition, result: resultInvalid, Message: fmt.Sprintf(
		"the log of kind %s holds events that hawser numbered: the two do not mix; use another kind's name", e.Kind)}
}

// notAbove answers an event whose version is not above the head: stored
// before, or refused. Where newer events have pushed the first one out of the
// log its repeat is refused too, in words that are as true: the head is above
// it.
func (a *attempts) notAbove(ctx context.Context, head routing.Event) (Result, error) {
	if a.event.Version == head.Version {
		ours := head.ID == a.event.ID && !a.named
		return Result{Version: head.Version, Duplicate: !ours}, nil
	}
	if a.named || a.sent > 0 {
		e := &a.event
		stored, ok, err := a.s.cfg.Reader.Find(ctx, e.Tenant, e.User, e.Kind, e.ID, head.Sequence)
		if err != nil {
			return Result{}, err
		}
		if ok {
			return Result{Version: stored.Version, Duplicate: a.named}, nil
		}
	}
	return Result{}, &Error{Code: connect.CodeFailedPrecondition, result: resultNotAboveHead,
		Message: fmt.Sprintf("already at %d: version %d must be above it", head.Version, a.event.Version)}
}

// first answers a repeat with the version of the event that was stored.
func (a *attempts) first(ctx context.Context, seq uint64) (Result, error) {
	stored, ok, err := a.s.cfg.Reader.At(ctx, seq)
	if err != nil {
		return Result{}, err
	}
	if !ok {
		return Result{}, &Error{Code: connect.CodeFailedPrecondition, result: resultInvalid,
			Message: "the id was used for an event that newer ones have pushed out of the log: publish a new event under a new id"}
	}
	return Result{Version: stored.Version, Duplicate: a.named}, nil
}
