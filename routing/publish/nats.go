package publish

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/encoding/protojson"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
)

// Bounds of what waits in the client library before the door sees it.
const (
	doorPendingMsgs  = 16_384
	doorPendingBytes = 64 << 20
)

// ServeNATS answers requests to hawser.v1.pub.<tenant>.<user>.<kind>, and to
// hawser.v1.api.<tenant>.<method> for the methods beside Notify, until ctx
// ends; it then leaves the queue group, finishes what it began and returns. Of
// the former the body is the item; the headers are Hawser-Id, Hawser-Version,
// Hawser-Urgency and Hawser-Push (a push as JSON). The answer is JSON as of the
// HTTP door, errors as {"code","message"}.
//
// Which tenants a NATS user may publish for is up to its permissions. It is
// called once for a Service.
func (s *Service) ServeNATS(ctx context.Context, nc *nats.Conn) error {
	d := &natsDoor{s: s, open: ctx}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	subs, err := d.subscribe(work, nc)
	defer d.leave(subs)
	if err != nil {
		return fmt.Errorf("publisher: %w", err)
	}
	s.metrics.door(subs)
	<-ctx.Done()
	return nil
}

// subscribe opens the door; what it opened before an error is returned too.
func (d *natsDoor) subscribe(ctx context.Context, nc *nats.Conn) (subs []*nats.Subscription, err error) {
	for _, to := range []struct {
		subject string
		take    func(context.Context, *nats.Msg)
	}{{routing.PublishAll, d.take}, {routing.APIAll, d.takeCall}} {
		sub, err := nc.QueueSubscribe(to.subject, routing.QueuePublisher, func(m *nats.Msg) { to.take(ctx, m) })
		if err != nil {
			return subs, fmt.Errorf("subscribe to %s: %w", to.subject, err)
		}
		subs = append(subs, sub)
		if err := sub.SetPendingLimits(doorPendingMsgs, doorPendingBytes); err != nil {
			return subs, fmt.Errorf("bound the NATS door: %w", err)
		}
	}
	return subs, nil
}

// leave closes the door and waits for what came in.
func (d *natsDoor) leave(subs []*nats.Subscription) {
	for _, sub := range subs {
		if err := sub.Unsubscribe(); err != nil && !errors.Is(err, nats.ErrConnectionClosed) {
			d.s.cfg.Log.Warn("the subscription to backends' publications does not end", "error", err)
		}
	}
	d.wg.Wait()
}

type natsDoor struct {
	s  *Service
	wg sync.WaitGroup
	// open ends when the door closes: calls that only wait end with it.
	open context.Context
}

// take runs on the subscription's goroutine and does not block.
func (d *natsDoor) take(ctx context.Context, m *nats.Msg) {
	if !routing.SafePublishReply(m.Subject, m.Reply) {
		d.s.metrics.unsafe.Inc()
		return
	}
	if !d.s.take() {
		d.fail(m, AsError(d.s.refused(busy())))
		return
	}
	d.wg.Go(func() {
		defer d.s.release()
		d.serve(ctx, m)
	})
}

func (d *natsDoor) serve(ctx context.Context, m *nats.Msg) {
	tenant, req, fault := parse(m)
	if fault != nil {
		d.fail(m, AsError(d.s.refused(fault)))
		return
	}
	res, err := d.s.publish(ctx, tenant, req)
	if err != nil {
		d.fail(m, AsError(err))
		return
	}
	body, err := protojson.Marshal(res.proto())
	if err != nil {
		d.fail(m, internal(err))
		return
	}
	d.respond(m, body)
}

// fail answers like the HTTP door.
func (d *natsDoor) fail(m *nats.Msg, e *Error) {
	body, err := json.Marshal(struct {
		Code         string `json:"code"`
		Message      string `json:"message"`
		RetryAfterMs int64  `json:"retry_after_ms,omitempty"`
	}{e.Code.String(), e.Message, e.RetryAfter.Milliseconds()})
	if err != nil {
		return
	}
	d.respond(m, body)
}

func (d *natsDoor) respond(m *nats.Msg, body []byte) {
	if err := m.Respond(body); err != nil {
		d.s.cfg.Log.Warn("an answer was not sent to a backend, which has to repeat its publication", "error", err)
	}
}

// parse reads a request of the NATS door.
func parse(m *nats.Msg) (tenant string, req Request, fault *Error) {
	tenant, user, kind, err := routing.ParsePublish(m.Subject)
	if err != nil {
		return "", Request{}, invalid("%s", err)
	}
	req = Request{User: user, Kind: kind, Item: m.Data, ID: m.Header.Get(routing.HeaderID)}
	if v := m.Header.Get(routing.HeaderVersion); v != "" {
		if req.Version, err = strconv.ParseInt(v, 10, 64); err != nil || req.Version < 1 {
			return "", Request{}, invalid("header %s %.40q must be a number, 1 to %d", routing.HeaderVersion, v, wire.MaxVersion)
		}
	}
	if req.Urgency, err = routing.ParseUrgency(m.Header.Get(routing.HeaderUrgency)); err != nil {
		return "", Request{}, invalid("header %s: %s", routing.HeaderUrgency, err)
	}
	if p := m.Header.Get(routing.HeaderPush); p != "" {
		req.Push = &hawserv1.Push{}
		if err := protojson.Unmarshal([]byte(p), req.Push); err != nil {
			return "", Request{}, invalid("header %s is not a push as JSON: its fields are title, body, badge, sound, channel, mutable_content, ttl_s, data, none", routing.HeaderPush)
		}
	}
	return tenant, req, nil
}
