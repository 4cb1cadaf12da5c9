package client

import (
	"context"
	"errors"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// Run keeps the device connected until ctx ends, whose error it then returns;
// until a Logout is confirmed, when it returns nil; or until the edge closes
// the connection with a code that needs the application, when it returns a
// *CloseError. Run may be called again after it has returned.
func (c *Client) Run(ctx context.Context) error {
	ctx, end, err := c.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	err = c.keepConnected(ctx)
	if errors.Is(err, errLoggedOut) {
		err = nil
	}
	c.cfg.OnState(State{Phase: PhaseStopped, Err: err})
	return err
}

func (c *Client) begin(parent context.Context) (ctx context.Context, end func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.runCtx != nil {
		return nil, nil, ErrRunning
	}
	ctx, cancel := context.WithCancel(parent)
	c.runCtx = ctx
	c.stopped, c.loggedOut = make(chan struct{}), make(chan struct{})
	return ctx, func() {
		cancel()
		c.work.Wait()
		c.fetches.clear()
		c.mu.Lock()
		defer c.mu.Unlock()
		c.runCtx, c.logout = nil, false
		close(c.stopped)
	}, nil
}

// Logout asks the edge to forget the device, so that no push is sent to it any
// more, and waits for the confirmation. It waits for a connection if there is
// none. After nil, Run returns; after an error the device may or may not be
// logged out, and Logout should be tried again.
func (c *Client) Logout(ctx context.Context) error {
	c.mu.Lock()
	if c.runCtx == nil {
		c.mu.Unlock()
		return ErrNotRunning
	}
	again := c.logout
	c.logout = true
	l, loggedOut, stopped := c.link, c.loggedOut, c.stopped
	c.mu.Unlock()
	if !again {
		if !l.trySend(&wire.Bye{Logout: true}) {
			c.hurry()
		}
	}
	select {
	case <-loggedOut:
		return nil
	case <-stopped:
	case <-ctx.Done():
		c.giveUpLogout()
	}
	select {
	case <-loggedOut:
		return nil
	default:
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return ErrNotRunning
}

func (c *Client) giveUpLogout() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.logout = false
}

// confirmLogout reports whether the application asked for the log-out that
// the edge has confirmed.
func (c *Client) confirmLogout() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.logout {
		return false
	}
	c.logout = false
	close(c.loggedOut)
	return true
}
