package relay

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/replies"
)

const (
	// patience is how long one responder may take to answer what may be asked
	// again, before another one is asked: far above what an answer takes, far
	// below what a device waits.
	patience = 2 * time.Second
	// ownPatience is the same for the first question to a router, whose answer
	// is a read of the log.
	ownPatience = 700 * time.Millisecond
)

// how says how a call ended.
type how int

const (
	answered how = iota
	unsent
	nobody  // NATS knows no responder
	timeout // the device's time was over
	hungUp  // the device left
)

// answer is a call's end: a body, or a fault.
type answer struct {
	how   how
	body  []byte
	fault *Error
}

// exchange sends the call and waits for its answer.
func (r *Relay) exchange(ctx context.Context, c Call, mail *replies.Call) answer {
	to, again := r.aim(c), r.repeats(c)
	defer again.stop()
	for {
		if err := r.cfg.Conn.PublishMsg(message(ctx, c, to.Next(), mail.Reply)); err != nil {
			return answer{how: unsent, fault: sendFault(err)}
		}
		if m := r.await(ctx, mail, again); m != nil {
			if a := read(c, m); !astray(a) || !to.Elsewhere() {
				again.ended(a, time.Now())
				return a
			}
		} else if ctx.Err() != nil {
			return ended(ctx, c)
		}
	}
}

// await returns the answer, or nil when the call is to be sent again or ctx
// has ended.
func (r *Relay) await(ctx context.Context, mail *replies.Call, again *repeats) *nats.Msg {
	for {
		select {
		case m := <-mail.C:
			return m
		case <-ctx.Done():
			return nil
		case <-again.next():
		}
		if again.may(time.Now()) {
			r.metrics.repeated.Inc()
			return nil
		}
		r.metrics.spared.Inc()
	}
}

// repeats says when a call is to be sent once more: a responder that died or
// hangs with a question in its hands stays in the queue group until NATS
// notices. Of two answers the first one counts.
type repeats struct {
	// wait is 0 for what must not be repeated.
	wait time.Duration
	// factor spares a backend that is only slow a second load of the same.
	factor, limit time.Duration
	timer         *time.Timer
	// budget is what the repeats are taken from; nil: they are not counted.
	// sentAt is when the last one was sent.
	budget *budget
	sentAt time.Time
}

func (r *Relay) repeats(c Call) *repeats {
	if !r.cfg.Catalog.Idempotent(c.Tenant, c.Service, c.Method) {
		return &repeats{}
	}
	if own(r.cfg.Catalog, c) {
		return &repeats{wait: ownPatience, factor: 2, limit: patience, budget: r.budget}
	}
	return &repeats{wait: patience, factor: 2, limit: time.Hour}
}

// may reports whether the call may be sent again now.
func (a *repeats) may(now time.Time) bool {
	if a.budget != nil && !a.budget.take() {
		return false
	}
	a.sentAt = now
	return true
}

// ended has the budget know of an answer, unless that is to ask later.
func (a *repeats) ended(an answer, now time.Time) {
	if a.budget != nil && (an.fault == nil || an.fault.Code != wire.StatusUnavailable) {
		a.budget.answered(!a.sentAt.IsZero() && now.Sub(a.sentAt) < ownPatience)
	}
}

func (a *repeats) next() <-chan time.Time {
	if a.wait == 0 {
		return nil
	}
	if a.timer == nil {
		a.timer = time.NewTimer(a.wait)
	} else {
		a.timer.Reset(a.wait)
	}
	a.wait = min(a.wait*a.factor, a.limit)
	return a.timer.C
}

func (a *repeats) stop() {
	if a.timer != nil {
		a.timer.Stop()
	}
}

// own reports whether hawser itself answers the call.
func own(catalog *routing.Catalog, c Call) bool {
	k, _ := catalog.Kind(c.Tenant, c.Method)
	return c.Service == routing.ServiceSync && !k.Backend
}

// aim says where the call is answered. What hawser numbers it answers itself,
// where no service of a tenant can.
func (r *Relay) aim(c Call) *routing.Aim {
	if own(r.cfg.Catalog, c) {
		return routing.NewAim(routing.SyncSubject(c.Tenant, c.Method), r.cfg.Router)
	}
	return routing.NewAim(routing.UpstreamSubject(c.Tenant, c.Service, c.Method), nil)
}

// astray reports whether an answer may only say that this one router has left,
// or does not know the kind yet.
func astray(a answer) bool {
	return a.how == nobody || a.fault != nil && a.fault.Code == wire.StatusNotFound
}

func message(ctx context.Context, c Call, subject, reply string) *nats.Msg {
	left := int64(1)
	if d, ok := ctx.Deadline(); ok {
		left = max(time.Until(d).Milliseconds(), 1)
	}
	return &nats.Msg{
		Subject: subject, Reply: reply, Data: c.Body,
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

func ended(ctx context.Context, c Call) answer {
	if errors.Is(ctx.Err(), context.Canceled) {
		return answer{how: hungUp, fault: &Error{Code: wire.StatusUnavailable, Message: "the connection ends"}}
	}
	return answer{how: timeout, fault: &Error{Code: wire.StatusDeadline, Message: fmt.Sprintf("%s/%s did not answer in time", c.Service, c.Method)}}
}

// read takes a reply for what it is: bytes that somebody else chose.
func read(c Call, m *nats.Msg) answer {
	if m.Header.Get("Status") == "503" && len(m.Data) == 0 {
		return answer{how: nobody, fault: &Error{Code: wire.StatusUnavailable, Message: fmt.Sprintf("no service answers %s/%s", c.Service, c.Method)}}
	}
	code, text := m.Header.Get(routing.HeaderServiceErrorCode), m.Header.Get(routing.HeaderServiceError)
	if code != "" || text != "" {
		return answer{fault: &Error{Code: routing.StatusOfCode(code), Message: routing.CleanMessage(text)}}
	}
	if len(m.Data) > routing.MaxAnswer {
		return answer{fault: &Error{Code: wire.StatusInternal, Message: fmt.Sprintf("the answer of %s/%s has %d bytes: more than the %d that fit a frame", c.Service, c.Method, len(m.Data), routing.MaxAnswer)}}
	}
	return answer{body: m.Data}
}
