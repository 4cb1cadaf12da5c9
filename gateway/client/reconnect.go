package client

import (
	"context"
	"errors"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// steady is how long a connection must have lived for the failures before it
// to be forgotten, at a heartbeat scale of 1.
const steady = time.Minute

// keepConnected connects again and again, until there is nothing to do without
// the application.
func (c *Client) keepConnected(ctx context.Context) error {
	p := pace{steady: steady / time.Duration(c.cfg.HeartbeatScale)}
	var last error
	for {
		c.cfg.OnState(State{Phase: PhaseConnecting, Err: last})
		e := c.session(ctx, p.refused)
		if e.code == wire.CloseLoggedOut && c.confirmLogout() {
			return errLoggedOut
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := p.judge(e); err != nil {
			return err
		}
		last = e.err
		wait := p.wait(e)
		if at := c.slot.wait(); at > 0 {
			wait = at
			p.failures = 0 // an edge answered: nothing is broken
		}
		c.cfg.Log.Info("not connected", "error", e.err, "retry_in_s", wait.Seconds())
		c.cfg.OnState(State{Phase: PhaseWaiting, RetryIn: wait, Err: e.err})
		if !c.pause(ctx, wait) {
			return ctx.Err()
		}
	}
}

// session is one connection, with those it moves to, or one attempt at it.
func (c *Client) session(ctx context.Context, refused string) ending {
	l, err := c.connect(ctx, refused)
	if err != nil {
		return endOf(err)
	}
	return c.serve(ctx, l)
}

// pause waits. It reports false when ctx ended.
func (c *Client) pause(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-c.kick:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// pace decides whether and when to connect again.
type pace struct {
	// Static: how long a connection has to live to count.
	steady time.Duration

	// failures in a row: attempts without a Welcome, connections that did not
	// live long.
	failures int
	// refused is the token that the edge has refused with close. One other
	// may be tried without asking the application.
	refused string
	close   *CloseError
}

// judge returns an error if the application has to act first.
func (p *pace) judge(e ending) error {
	if e.welcomed > 0 {
		p.refused, p.close = "", nil
	}
	switch {
	case errors.Is(e.err, errSameToken):
		return p.close
	case e.code == 0 || e.code.Reconnect():
		return nil
	case tokenRefused(e.code) && p.close == nil:
		p.refused, p.close = e.token, &CloseError{Code: e.code, Reason: e.reason}
		return nil
	}
	return &CloseError{Code: e.code, Reason: e.reason}
}

func tokenRefused(code wire.CloseCode) bool {
	return code == wire.CloseUnauthenticated || code == wire.CloseTokenExpired
}

// wait returns how long to wait before the next attempt. The edge's advice
// comes first; backing off is for what keeps failing.
func (p *pace) wait(e ending) time.Duration {
	if e.welcomed >= p.steady {
		p.failures = 0
	} else {
		p.failures++
	}
	switch {
	case e.how == wirepb.LastConnection_END_NETWORK_CHANGED, e.code == wire.CloseIdle, tokenRefused(e.code), e.alone:
		return backoff(p.failures - 1)
	case e.welcomed > 0 && (e.code == 0 || e.code == wire.CloseShutdown):
		return below(e.spread) + backoff(p.failures-1)
	}
	return backoff(max(p.failures, 1))
}
