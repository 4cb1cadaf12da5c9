package service

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/micro"
	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
)

// Handle answers a method with h, which runs on a goroutine of its own. ctx
// ends when the device stops waiting. An error of Errorf, or any other with a
// method Status() wire.Status, is told to the device; of others it only hears
// that the service failed, and the log hears the rest.
func Handle[Req, Resp proto.Message](s *Service, method string, h func(ctx context.Context, c Caller, req Req) (Resp, error)) error {
	if err := wire.CheckID("method", method); err != nil {
		return err
	}
	call := func(ctx context.Context, c Caller, body []byte) ([]byte, error) {
		var none Req
		req := none.ProtoReflect().Type().New().Interface().(Req)
		if err := proto.Unmarshal(body, req); err != nil {
			return nil, Errorf(wire.StatusInvalid, "the request is not a %s", req.ProtoReflect().Descriptor().Name())
		}
		resp, err := h(ctx, c, req)
		if err != nil {
			return nil, err
		}
		return proto.Marshal(resp)
	}
	m := &endpoint{s: s, name: method, counts: s.count(method), call: call}
	if err := s.group.AddEndpoint(method, micro.HandlerFunc(m.take)); err != nil {
		return fmt.Errorf("service %s: method %s: %w", s.cfg.Name, method, err)
	}
	return nil
}

// Errorf makes an error that is told to the device as it stands.
func Errorf(status wire.Status, format string, args ...any) error {
	return &routing.StatusError{Code: status, Message: fmt.Sprintf(format, args...)}
}
