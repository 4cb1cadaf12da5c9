package router

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/sleep"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

const (
	// presenceQueue bounds the questions that wait for the loop; more are
	// dropped and counted, and are asked again.
	presenceQueue = 64
	// maxPresenceUsers and maxPresenceDevices bound one question, which the
	// loop answers in one step.
	maxPresenceUsers   = 1000
	maxPresenceDevices = 10_000
	// presenceAttempt bounds one attempt: a router that became incomplete
	// meanwhile does not answer.
	presenceAttempt = time.Second
)

// presenceQuery is a question to the loop.
type presenceQuery struct {
	ask *linkpb.PresenceQuery
	// answer has room for the one answer, nil where there are too many devices.
	answer chan *hawserv1.PresenceResponse
}

// Presence tells where users' devices are, as this router knows it or, while
// its table is not complete, as another one does. The names must be valid,
// and at most 1000. It asks until ctx ends.
func (r *Router) Presence(ctx context.Context, tenant string, names []string) (*hawserv1.PresenceResponse, error) {
	ask := &linkpb.PresenceQuery{Tenant: tenant, Users: names}
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		answer, err := r.askPresence(ctx, ask)
		if err == nil || errors.Is(err, routing.ErrTooManyDevices) {
			return answer, err
		}
		if !sleep.For(ctx, pause) {
			return nil, fmt.Errorf("no router with a complete table answered: %w", err)
		}
	}
}

func (r *Router) askPresence(ctx context.Context, ask *linkpb.PresenceQuery) (*hawserv1.PresenceResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, presenceAttempt)
	defer cancel()
	if !r.Ready() {
		return r.askOther(ctx, ask)
	}
	q := presenceQuery{ask, make(chan *hawserv1.PresenceResponse, 1)}
	select {
	case r.presence <- q:
	default:
		r.metrics.dropped.WithLabelValues(dropPresence).Inc()
		return nil, errBusyPresence
	}
	select {
	case answer := <-q.answer:
		if answer == nil {
			return nil, routing.ErrTooManyDevices
		}
		return answer, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

var errBusyPresence = errors.New("too many questions wait at this router")

func (r *Router) askOther(ctx context.Context, ask *linkpb.PresenceQuery) (*hawserv1.PresenceResponse, error) {
	body, err := proto.Marshal(ask)
	if err != nil {
		return nil, err
	}
	reply := routing.PresenceReply(r.cfg.Name, rand.Text())
	sub, err := r.cfg.Conn.SubscribeSync(reply)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only where the connection is closed
	if err := r.cfg.Conn.PublishRequest(routing.PresenceSubject(r.cfg.Name), reply, body); err != nil {
		return nil, err
	}
	m, err := sub.NextMsgWithContext(ctx)
	if err != nil {
		return nil, err
	}
	if m.Header.Get("Status") != "" {
		return nil, nats.ErrNoResponders
	}
	var answer hawserv1.PresenceResponse
	if err := proto.Unmarshal(m.Data, &answer); err != nil {
		return nil, err
	}
	if answer.GetRouter() == "" {
		return nil, routing.ErrTooManyDevices
	}
	return &answer, nil
}

// servePresence answers another router.
func (r *Router) servePresence(ctx context.Context, m *nats.Msg) {
	var ask linkpb.PresenceQuery
	asker, err := routing.Sender(m.Subject)
	if err != nil || !strings.HasPrefix(m.Reply, routing.PresenceReply(asker, "")) ||
		proto.Unmarshal(m.Data, &ask) != nil || len(ask.GetUsers()) > maxPresenceUsers {
		r.metrics.malformed.WithLabelValues(malformedRequest).Inc()
		return
	}
	if !r.Ready() {
		return // it asks again
	}
	answer, err := r.askPresence(ctx, &ask)
	switch {
	case err == nil:
		r.publish(m.Reply, answer)
	case errors.Is(err, routing.ErrTooManyDevices):
		r.publish(m.Reply, &hawserv1.PresenceResponse{})
	}
}

// takePresence answers from the table.
func (l *loop) takePresence(q presenceQuery, now time.Time) {
	_, behind := l.table.Edges()
	answer := &hawserv1.PresenceResponse{
		Router: l.r.cfg.Name, NowMs: now.UnixMilli(), Complete: l.complete && l.settled && behind == 0,
	}
	total := 0
	var found []table.Device
	for _, name := range q.ask.GetUsers() {
		found = l.table.Devices(found[:0], table.UserID{Tenant: q.ask.GetTenant(), User: name})
		if total += len(found); total > maxPresenceDevices {
			q.answer <- nil
			return
		}
		answer.Users = append(answer.Users, userPresence(name, found))
	}
	q.answer <- answer
}

func userPresence(name string, found []table.Device) *hawserv1.UserPresence {
	u := &hawserv1.UserPresence{User: name}
	for _, d := range found {
		p := &hawserv1.DevicePresence{Device: d.Name, State: hawserv1.PresenceState_AWAY, Push: d.HasToken}
		if d.Session.Exists() {
			p.State, p.Epoch, p.Background = hawserv1.PresenceState_ONLINE, d.Session.Epoch, d.Background
			if d.Doubtful {
				p.State = hawserv1.PresenceState_DOUBTFUL
			}
		}
		u.Devices = append(u.Devices, p)
	}
	return u
}
