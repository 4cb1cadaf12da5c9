//go:build unix

package sendtest

import (
	"context"
	"sync"

	"github.com/hawser-edge/hawser/push"
)

// counted is a provider that tells when so many messages were accepted.
type counted struct {
	provider push.Provider
	done     chan struct{}

	mu   sync.Mutex
	left int
}

func (c *counted) Send(ctx context.Context, m push.Message) push.Result {
	r := c.provider.Send(ctx, m)
	if r.Verdict != push.Delivered {
		return r
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.left--; c.left == 0 {
		close(c.done)
	}
	return r
}
