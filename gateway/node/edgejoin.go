package node

import (
	"context"

	"github.com/hawser-edge/hawser/gateway/session"
	"github.com/hawser-edge/hawser/routing/edgelink"
	"github.com/hawser-edge/hawser/routing/relay"
)

// registry gives the sessions' news to the link.
type registry struct {
	// Static once a session exists.
	link  *edgelink.Link
	clock edgeClock
	// dropAck is nil but in a sabotaged test build.
	dropAck func() bool
}

func (r *registry) Register(s session.Registration) { r.link.Register(edgelink.Session(s)) }
func (r *registry) Unregister(conn uint64)          { r.link.Unregister(conn) }

func (r *registry) Answer(router string, a session.Answer) {
	r.link.Answer(router, answer(a, r.dropAck))
}

func (r *registry) PutDevice(ctx context.Context, d session.Device) error {
	return r.link.PutDevice(ctx, edgelink.Device(d))
}

func (r *registry) RemoveDevice(ctx context.Context, tenant, user, device, jwt string) error {
	return r.link.RemoveDevice(ctx, tenant, user, device, jwt)
}

// handler gives the link's news to the sessions.
type handler struct {
	hub     *session.Hub
	dropAck func() bool
}

func (h handler) Notify(conn uint64, router, kind string, version, previous int64) edgelink.Answer {
	return answer(h.hub.Notify(conn, router, kind, version, previous), h.dropAck)
}

func (h handler) NotifyCalm(conn uint64, router, kind string, version, previous int64) edgelink.Answer {
	return answer(h.hub.NotifyCalm(conn, router, kind, version, previous), h.dropAck)
}

func (h handler) Heads(conn uint64, heads []edgelink.Head) {
	converted := make([]session.Head, len(heads))
	for i, head := range heads {
		converted[i] = session.Head(head)
	}
	h.hub.Heads(conn, converted)
}

func (h handler) Back()                 { h.hub.Back() }
func (h handler) Supersede(conn uint64) { h.hub.Supersede(conn) }
func (h handler) Cut(conn uint64, sessionsMs, tokensS int64) {
	h.hub.Cut(conn, sessionsMs, tokensS)
}

func (h handler) Surplus(conn uint64) { h.hub.Surplus(conn) }

func (h handler) RefuseEpoch(conn uint64) { h.hub.RefuseEpoch(conn) }

// answer converts a session's answer; a sabotaged build hides
// acknowledgements.
func answer(a session.Answer, dropAck func() bool) edgelink.Answer {
	if dropAck != nil && a.State == session.Acked && dropAck() {
		a.State, a.Acked = session.InFlight, 0
	}
	return edgelink.Answer{
		Conn: a.Conn, Kind: a.Kind, State: answerState(a.State), Acked: a.Acked, Version: a.Version, Fetching: a.Fetching, Rides: a.Rides,
	}
}

func answerState(s session.AnswerState) edgelink.AnswerState {
	switch s {
	case session.Acked:
		return edgelink.Acked
	case session.InFlight:
		return edgelink.InFlight
	default:
		return edgelink.Gone
	}
}

// calls gives devices' requests to the relay.
type calls struct{ relay *relay.Relay }

func (c calls) Call(ctx context.Context, call session.Call) ([]byte, error) {
	return c.relay.Call(ctx, relay.Call(call))
}
