package node

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/sleep"
)

// What a process waits for is mostly made by another one that starts beside
// it, so that the first misses are no news.
const (
	awaitEvery  = 250 * time.Millisecond
	awaitQuiet  = 3 * time.Second
	awaitRemind = time.Minute
	awaitTry    = 10 * time.Second
	// awaitAnswer bounds a question that NATS answers at once. While its servers
	// elect who answers, as at a fleet's first start, questions are lost.
	awaitAnswer = 2 * time.Second
)

// A setback is why a role has not got what it waits for; the zero value says
// that it has no reason to tell.
type setback struct{ err atomic.Pointer[error] }

func (s *setback) set(err error) { s.err.Store(&err) }

// explain adds the reason, if there is one, to what is told of the role.
func (s *setback) explain(told error) error {
	if why := s.err.Load(); why != nil && *why != nil {
		return fmt.Errorf("%w: %w", told, *why)
	}
	return told
}

// await repeats try until it succeeds or ctx ends: a process may be started
// before NATS, and before the process that makes the streams. That NATS is
// away is its natsWatch's to say. why follows what it waits for.
func await(ctx context.Context, log *slog.Logger, nc *nats.Conn, why *setback, what string, try func(context.Context) error) error {
	sayAt := time.Time{}
	for {
		if nc.IsConnected() {
			if sayAt.IsZero() {
				sayAt = time.Now().Add(awaitQuiet)
			}
			attempt, cancel := context.WithTimeout(ctx, awaitTry)
			err := try(attempt)
			cancel()
			why.set(err)
			if err == nil {
				return nil
			}
			if nc.IsConnected() && ctx.Err() == nil && time.Now().After(sayAt) {
				log.Warn(what+" cannot be used yet, trying again", "error", err)
				sayAt = time.Now().Add(awaitRemind)
			}
		}
		if !sleep.For(ctx, awaitEvery) {
			return fmt.Errorf("%s: %w", what, ctx.Err())
		}
	}
}
