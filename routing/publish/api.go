package publish

import (
	"context"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/routing/hawserv1"
	"github.com/hawser-edge/hawser/routing/hawserv1/hawserv1connect"
)

// method is one method of hawser.v1.Publisher beside Notify, for both doors.
type method[Q, A any] struct {
	// name as it ends the path of HTTP and the subject of NATS.
	name string
	do   func(s *Service, ctx context.Context, tenant string, req *Q) (*A, error)
}

// The methods.
var (
	notifyMany   = method[hawserv1.NotifyManyRequest, hawserv1.NotifyManyResponse]{"NotifyMany", (*Service).NotifyMany}
	readEvents   = method[hawserv1.EventsRequest, hawserv1.EventsResponse]{"Events", (*Service).Events}
	presence     = method[hawserv1.PresenceRequest, hawserv1.PresenceResponse]{"Presence", (*Service).Presence}
	disconnect   = method[hawserv1.DisconnectRequest, hawserv1.DisconnectResponse]{"Disconnect", (*Service).Disconnect}
	deleteDevice = method[hawserv1.DeleteDeviceRequest, hawserv1.DeleteDeviceResponse]{"DeleteDevice", (*Service).DeleteDevice}
	deleteUser   = method[hawserv1.DeleteUserRequest, hawserv1.DeleteUserResponse]{"DeleteUser", (*Service).DeleteUser}
)

// enter takes a place for a call of the method, without waiting; leave gives
// it back.
func (s *Service) enter(tenant, method string) *Error {
	if _, ok := s.cfg.Catalog.Tenant(tenant); !ok {
		return s.called(method, invalid("tenant %.64q is not configured", tenant))
	}
	if !s.placesOf(method).take(tenant) {
		return s.called(method, tooMany(method))
	}
	return nil
}

func (s *Service) leave(tenant, method string) { s.placesOf(method).leave(tenant) }

// placesOf keeps calls that wait apart from those that do something.
func (s *Service) placesOf(method string) *places {
	if method == readEvents.name {
		return s.polls
	}
	return s.calls
}

// call runs one call, which needs a place. Its error is an *Error.
func (m method[Q, A]) call(ctx context.Context, s *Service, tenant string, req *Q) (*A, *Error) {
	answer, err := m.do(s, ctx, tenant, req)
	if err != nil {
		return nil, s.called(m.name, AsError(err))
	}
	s.metrics.calls.WithLabelValues(m.name, callOK).Inc()
	return answer, nil
}

// called counts and logs a call that failed.
func (s *Service) called(method string, e *Error) *Error {
	s.metrics.calls.WithLabelValues(method, e.Code.String()).Inc()
	if s.cfg.Log != nil && e.cause != nil {
		s.cfg.Log.Warn("call of a backend failed", "method", method, "code", e.Code.String(), "error", e.cause)
	}
	return e
}

// http is the method at the HTTP door.
func (m method[Q, A]) http(ctx context.Context, s *Service, req *connect.Request[Q]) (*connect.Response[A], error) {
	tenant := tenantOf(ctx)
	if fault := s.enter(tenant, m.name); fault != nil {
		return nil, connectError(fault)
	}
	defer s.leave(tenant, m.name)
	answer, fault := m.call(ctx, s, tenant, req.Msg)
	if fault != nil {
		return nil, connectError(fault)
	}
	return connect.NewResponse(answer), nil
}

// json is the method at the NATS door, within a place. Fields that it does not
// know are refused: they are most likely misspelt.
func (m method[Q, A]) json(ctx context.Context, s *Service, tenant string, body []byte) ([]byte, *Error) {
	req := new(Q)
	if objects(body) > maxParts {
		return nil, s.called(m.name, invalid("%s", errParts))
	}
	if len(body) > 0 {
		if err := protojson.Unmarshal(body, any(req).(proto.Message)); err != nil {
			return nil, s.called(m.name, invalid("the body is not the JSON of a %sRequest: %.300s", m.name, err))
		}
	}
	answer, fault := m.call(ctx, s, tenant, req)
	if fault != nil {
		return nil, fault
	}
	out, err := protojson.Marshal(any(answer).(proto.Message))
	if err != nil {
		return nil, s.called(m.name, internal(err))
	}
	return out, nil
}

// byName finds what answers a method at the NATS door; nil: there is no such
// method.
func byName(name string) func(context.Context, *Service, string, []byte) ([]byte, *Error) {
	switch name {
	case notifyMany.name:
		return notifyMany.json
	case readEvents.name:
		return readEvents.json
	case presence.name:
		return presence.json
	case disconnect.name:
		return disconnect.json
	case deleteDevice.name:
		return deleteDevice.json
	case deleteUser.name:
		return deleteUser.json
	default:
		return nil
	}
}

// methods are the names, for metrics.
func methods() []string {
	return []string{notifyMany.name, readEvents.name, presence.name, disconnect.name, deleteDevice.name, deleteUser.name}
}

// NotifyMany implements hawserv1connect.PublisherHandler.
func (d door) NotifyMany(ctx context.Context, req *connect.Request[hawserv1.NotifyManyRequest]) (*connect.Response[hawserv1.NotifyManyResponse], error) {
	return notifyMany.http(ctx, d.s, req)
}

// Events implements hawserv1connect.PublisherHandler.
func (d door) Events(ctx context.Context, req *connect.Request[hawserv1.EventsRequest]) (*connect.Response[hawserv1.EventsResponse], error) {
	return readEvents.http(ctx, d.s, req)
}

// Presence implements hawserv1connect.PublisherHandler.
func (d door) Presence(ctx context.Context, req *connect.Request[hawserv1.PresenceRequest]) (*connect.Response[hawserv1.PresenceResponse], error) {
	return presence.http(ctx, d.s, req)
}

// Disconnect implements hawserv1connect.PublisherHandler.
func (d door) Disconnect(ctx context.Context, req *connect.Request[hawserv1.DisconnectRequest]) (*connect.Response[hawserv1.DisconnectResponse], error) {
	return disconnect.http(ctx, d.s, req)
}

// DeleteDevice implements hawserv1connect.PublisherHandler.
func (d door) DeleteDevice(ctx context.Context, req *connect.Request[hawserv1.DeleteDeviceRequest]) (*connect.Response[hawserv1.DeleteDeviceResponse], error) {
	return deleteDevice.http(ctx, d.s, req)
}

// DeleteUser implements hawserv1connect.PublisherHandler.
func (d door) DeleteUser(ctx context.Context, req *connect.Request[hawserv1.DeleteUserRequest]) (*connect.Response[hawserv1.DeleteUserResponse], error) {
	return deleteUser.http(ctx, d.s, req)
}

var _ hawserv1connect.PublisherHandler = door{}
