package publish

import (
	"fmt"
	"math"
	"time"

	"connectrpc.com/connect"
	"golang.org/x/time/rate"

	"github.com/hawser-edge/hawser/routing"
)

// quotas holds each tenant's rate, for this router alone: with several
// routers a tenant gets its configured rate at each.
type quotas struct {
	// Static after construction.
	limiters map[string]*rate.Limiter
}

func newQuotas(c *routing.Catalog) *quotas {
	q := &quotas{limiters: map[string]*rate.Limiter{}}
	for _, name := range c.Tenants() {
		if t, _ := c.Tenant(name); t.MaxEventsPerSecond > 0 {
			burst := int(math.Ceil(t.MaxEventsPerSecond))
			q.limiters[name] = rate.NewLimiter(rate.Limit(t.MaxEventsPerSecond), burst)
		}
	}
	return q
}

func (q *quotas) take(tenant string) *Error {
	l := q.limiters[tenant]
	if l == nil {
		return nil
	}
	now := time.Now()
	res := l.ReserveN(now, 1)
	wait := res.DelayFrom(now)
	if wait <= 0 {
		return nil
	}
	res.CancelAt(now)
	wait = max(wait.Round(time.Millisecond), time.Millisecond)
	return &Error{Code: connect.CodeResourceExhausted, RetryAfter: wait, result: resultQuota,
		Message: fmt.Sprintf("tenant %s is above its %g events a second: repeat after %v", tenant, float64(l.Limit()), wait)}
}
