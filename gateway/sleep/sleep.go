// Package sleep lets time pass, no longer than a context allows.
package sleep

import (
	"context"
	"time"
)

// For sleeps for d, and reports false where ctx ended before.
func For(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
