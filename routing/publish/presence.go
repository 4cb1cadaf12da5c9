package publish

import (
	"context"
	"errors"
	"fmt"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/hawserv1"
)

const (
	// MaxPresence is the greatest number of users of one Presence.
	MaxPresence = 1000
	// questionsPerSecond is how often a tenant may ask at one router: each
	// question is answered by the goroutine that also dispatches events. Up to
	// one second's worth may come at once.
	questionsPerSecond = 50
	// presenceWait bounds one question: a later answer is worth little.
	presenceWait = 5 * time.Second
)

// Presence tells where users' devices are.
func (s *Service) Presence(ctx context.Context, tenant string, req *hawserv1.PresenceRequest) (*hawserv1.PresenceResponse, error) {
	if s.cfg.Presence == nil {
		return nil, notHere()
	}
	if n := len(req.GetUsers()); n == 0 || n > MaxPresence {
		return nil, invalid("%d users are asked for: it must be 1 to %d", n, MaxPresence)
	}
	for _, user := range req.GetUsers() {
		if err := wire.CheckID("user", user); err != nil {
			return nil, invalid("%s", err)
		}
	}
	if !s.questions[tenant].Allow() {
		return nil, &Error{Code: connect.CodeResourceExhausted, RetryAfter: time.Second / questionsPerSecond, result: resultQuota,
			Message: fmt.Sprintf("tenant %s asks for presence more than %d times a second: ask for many users at once, and listen to events", tenant, questionsPerSecond)}
	}
	ctx, cancel := context.WithTimeout(ctx, presenceWait)
	defer cancel()
	answer, err := s.cfg.Presence(ctx, tenant, req.GetUsers())
	switch {
	case err == nil:
		return answer, nil
	case errors.Is(err, routing.ErrTooManyDevices):
		return nil, &Error{Code: connect.CodeResourceExhausted, result: resultInvalid, Message: "the users have too many devices for one answer: ask for fewer users"}
	}
	return nil, unavailable(err, time.Second, "no router knows all devices at the moment: ask again after 1 s")
}

// newLimiters has a limiter for each tenant.
func newLimiters(tenants []string, perSecond rate.Limit, burst int) map[string]*rate.Limiter {
	out := make(map[string]*rate.Limiter, len(tenants))
	for _, t := range tenants {
		out[t] = rate.NewLimiter(perSecond, burst)
	}
	return out
}
