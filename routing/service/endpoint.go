package service

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// endpoint is one method.
type endpoint struct {
	// Static after construction.
	s      *Service
	name   string
	counts *counts
	call   func(ctx context.Context, c Caller, body []byte) ([]byte, error)
}

// take runs on the goroutine of micro's subscription and does not block.
func (m *endpoint) take(r micro.Request) {
	end := m.counts.begin()
	if err := m.s.begin(); err != nil {
		m.fail(r, err)
		end(err)
		return
	}
	go func() {
		defer m.s.done()
		ctx, cancel := context.WithTimeout(context.Background(), m.s.deadline(r))
		defer cancel()
		body, err := m.handle(ctx, r)
		if err != nil {
			m.fail(r, err)
		} else {
			m.respond(&nats.Msg{Subject: r.Reply(), Data: body})
		}
		end(err)
	}()
}

// handle verifies who asks before anything else.
func (m *endpoint) handle(ctx context.Context, r micro.Request) ([]byte, error) {
	tenant, user, device, err := m.s.cfg.Verifier.Verify(r.Headers().Get(routing.HeaderToken))
	if err != nil {
		return nil, Errorf(wire.StatusUnauthenticated, "the token was refused: renew it")
	}
	if tenant != m.s.cfg.Tenant {
		return nil, Errorf(wire.StatusPermissionDenied, "the token belongs to another tenant")
	}
	body, err := m.call(ctx, Caller{tenant, user, device}, r.Data())
	if err == nil && len(body) > routing.MaxAnswer {
		return nil, fmt.Errorf("the answer has %d bytes, at most %d fit a frame", len(body), routing.MaxAnswer)
	}
	return body, err
}

// deadline is how long the device still waits, within bounds.
func (s *Service) deadline(r micro.Request) time.Duration {
	ms, err := strconv.ParseInt(r.Headers().Get(routing.HeaderDeadlineMs), 10, 64)
	if err != nil || ms <= 0 || ms > s.cfg.MaxWait.Milliseconds() {
		return s.cfg.MaxWait
	}
	return time.Duration(ms) * time.Millisecond
}

// fail tells the device what the service means to tell it.
func (m *endpoint) fail(r micro.Request, err error) {
	var told interface{ Status() wire.Status }
	status, message := wire.StatusInternal, "the service failed"
	switch {
	case errors.As(err, &told) && told.Status() != wire.StatusOK:
		status, message = told.Status(), err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		status, message = wire.StatusDeadline, "the service did not finish in time"
	default:
		m.s.cfg.Log.Error("a device's call failed", "service", m.s.cfg.Name, "method", m.name, "error", err)
	}
	m.respond(&nats.Msg{Subject: r.Reply(), Header: nats.Header{
		routing.HeaderServiceErrorCode: {routing.CodeOfStatus(status)},
		routing.HeaderServiceError:     {routing.CleanMessage(message)},
	}})
}

// respond does not use micro's own way: that notes the answer in the request,
// which micro reads as soon as take has returned.
func (m *endpoint) respond(answer *nats.Msg) {
	if answer.Subject == "" {
		return // nobody waits
	}
	if err := m.s.cfg.Conn.PublishMsg(answer); err != nil {
		m.s.cfg.Log.Warn("an answer was not sent: the device waits in vain", "service", m.s.cfg.Name, "method", m.name, "error", err)
	}
}
