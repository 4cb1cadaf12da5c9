package publish

import (
	"context"
	"fmt"
	"time"

	"connectrpc.com/connect"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing/hawserv1"
)

// actsPerSecond is how often a tenant may end or remove at one router, and
// actsBurst how many of these calls may come at once. Each leaves a cutoff in the
// bucket that all tenants share, and in every router's memory, for a month where
// it ends tokens.
const (
	actsPerSecond = 50
	actsBurst     = 1000
)

// Users is what a backend may do to its users; *users.Service is one. Names
// were checked before. tokensFrom is from which iat on, in seconds since 1970,
// tokens are taken; 0: all are.
type Users interface {
	Disconnect(ctx context.Context, tenant, user, device string, revoke bool) (tokensFrom int64, err error)
	DeleteDevice(ctx context.Context, tenant, user, device string) (tokensFrom int64, err error)
	DeleteUser(ctx context.Context, tenant, user string) (tokensFrom int64, err error)
}

// Disconnect ends the sessions of a user or of one device.
func (s *Service) Disconnect(ctx context.Context, tenant string, req *hawserv1.DisconnectRequest) (*hawserv1.DisconnectResponse, error) {
	if err := checkNames(req.GetUser(), req.GetDevice(), false); err != nil {
		return nil, err
	}
	from, err := s.act(ctx, tenant, func(ctx context.Context, u Users) (int64, error) {
		return u.Disconnect(ctx, tenant, req.GetUser(), req.GetDevice(), req.GetRevokeTokens())
	})
	return &hawserv1.DisconnectResponse{TokensFromS: from}, err
}

// DeleteDevice removes a device.
func (s *Service) DeleteDevice(ctx context.Context, tenant string, req *hawserv1.DeleteDeviceRequest) (*hawserv1.DeleteDeviceResponse, error) {
	if err := checkNames(req.GetUser(), req.GetDevice(), true); err != nil {
		return nil, err
	}
	from, err := s.act(ctx, tenant, func(ctx context.Context, u Users) (int64, error) {
		return u.DeleteDevice(ctx, tenant, req.GetUser(), req.GetDevice())
	})
	return &hawserv1.DeleteDeviceResponse{TokensFromS: from}, err
}

// DeleteUser removes a user.
func (s *Service) DeleteUser(ctx context.Context, tenant string, req *hawserv1.DeleteUserRequest) (*hawserv1.DeleteUserResponse, error) {
	if err := checkNames(req.GetUser(), "", false); err != nil {
		return nil, err
	}
	from, err := s.act(ctx, tenant, func(ctx context.Context, u Users) (int64, error) {
		return u.DeleteUser(ctx, tenant, req.GetUser())
	})
	return &hawserv1.DeleteUserResponse{TokensFromS: from}, err
}

// act does what is safe to be repeated by the caller.
func (s *Service) act(ctx context.Context, tenant string, do func(context.Context, Users) (int64, error)) (int64, error) {
	if s.cfg.Users == nil {
		return 0, notHere()
	}
	if !s.acts[tenant].Allow() {
		return 0, &Error{Code: connect.CodeResourceExhausted, RetryAfter: time.Second / actsPerSecond, result: resultQuota,
			Message: fmt.Sprintf("tenant %s ends sessions or removes devices more than %d times a second: repeat the call after 1 s", tenant, actsPerSecond)}
	}
	ctx, cancel := context.WithTimeout(ctx, s.cfg.MaxWait)
	defer cancel()
	from, err := do(ctx, s.cfg.Users)
	if err != nil {
		return 0, unavailable(err, time.Second, "not all of it is done, a new leader may be in election: repeat the call after 1 s")
	}
	return from, nil
}

// checkNames also takes an empty device unless it is needed. It returns an
// untyped nil where all is well.
func checkNames(user, device string, needed bool) error {
	if err := wire.CheckID("user", user); err != nil {
		return invalid("%s", err)
	}
	if device == "" && !needed {
		return nil
	}
	if err := wire.CheckID("device", device); err != nil {
		return invalid("%s", err)
	}
	return nil
}

func notHere() *Error {
	return &Error{Code: connect.CodeUnimplemented, result: resultInvalid, Message: "this process does not offer the method"}
}
