package client

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// renewPause keeps an edge from asking for tokens all the time.
const renewPause = 10 * time.Second

// renew gives the edge a new token within grace. One renewal of a connection
// is under way at a time.
func (c *Client) renew(l *link, grace time.Duration) {
	if !l.beginRenewal() {
		return
	}
	c.mu.Lock()
	runCtx := c.runCtx
	c.mu.Unlock()
	c.work.Go(func() {
		defer l.endRenewal()
		ctx, cancel := context.WithTimeout(runCtx, max(grace, time.Second))
		defer cancel()
		c.renewUntil(ctx, l)
	})
}

// renewUntil asks the application until it has a token, the link ends or the
// time is over.
func (c *Client) renewUntil(ctx context.Context, l *link) {
	for tries := 1; ctx.Err() == nil; tries++ {
		token, err := c.token(ctx)
		if err == nil {
			l.trySend(&wire.Token{Body: &wirepb.Token{Token: token}})
			return
		}
		c.cfg.Log.Warn("no new token for a connection whose token expires", "try", tries, "error", err)
		if !rest(ctx, l.done, tries) {
			return
		}
	}
}

func (l *link) beginRenewal() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.renewing || l.end != nil || time.Since(l.renewed) < renewPause {
		return false
	}
	l.renewing = true
	return true
}

func (l *link) endRenewal() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.renewing, l.renewed = false, time.Now()
}
