package publish

import (
	"context"
	"errors"
	"time"

	"github.com/hawser-edge/hawser/routing/events"
	"github.com/hawser-edge/hawser/routing/hawserv1"
)

// Bounds of a call of Events.
const (
	maxEvents     = 500
	defaultEvents = 100
	maxEventsWait = 10 * time.Second
	maxAcks       = 1000
)

// Events hands out what happened to a tenant's devices.
func (s *Service) Events(ctx context.Context, tenant string, req *hawserv1.EventsRequest) (*hawserv1.EventsResponse, error) {
	limit, wait := int(req.GetMax()), time.Duration(req.GetWaitMs())*time.Millisecond
	switch {
	case limit < 0 || limit > maxEvents:
		return nil, invalid("max is %d: it must be 1 to %d", limit, maxEvents)
	case wait < 0 || wait > maxEventsWait:
		return nil, invalid("wait_ms is %d: it must be 0 to %d", req.GetWaitMs(), maxEventsWait.Milliseconds())
	case len(req.GetAcks()) > maxAcks:
		return nil, invalid("%d acks are in the call, at most %d are taken", len(req.GetAcks()), maxAcks)
	case limit == 0:
		limit = defaultEvents
	}
	err := s.events.Done(tenant, req.GetAcks())
	if errors.Is(err, events.ErrAck) {
		return nil, invalid("one of acks %s", err)
	}
	var got []events.Delivered
	if err == nil {
		got, err = s.events.Read(ctx, tenant, limit, wait)
	}
	if err != nil {
		return nil, unavailable(err, time.Second, "the events cannot be read, a new leader may be in election: ask again after 1 s")
	}
	answer := &hawserv1.EventsResponse{}
	for _, e := range got {
		answer.Events = append(answer.Events, &hawserv1.BackendEvent{Event: string(e.JSON), Ack: e.Ack})
	}
	return answer, nil
}
