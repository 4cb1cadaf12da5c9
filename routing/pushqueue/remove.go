package pushqueue

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
)

// Remove removes the job of a device and kind that waits, where it is of no
// newer version. A worker that has it in its hands finds it gone, just before
// it sends. It needs a router's rights.
func (s *Store) Remove(ctx context.Context, tenant, user, device, kind string, version int64) error {
	slot := routing.PushSlot(tenant, user, device, kind)
	j, m, err := s.last(ctx, slot)
	if err != nil {
		return fmt.Errorf("read the push job to remove: %w", err)
	}
	if m.Sequence == 0 || j.Version > version {
		return nil
	}
	stream, err := s.js.Stream(ctx, routing.StreamPush)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", routing.StreamPush, err)
	}
	// A newer one that took its place meanwhile has a greater sequence. The subject
	// is the wildcard of both, which no consumer's filter covers, and must be: where
	// one does, the consumer takes its floors from the job that is removed
	// (nats-server 2.15.2), and hands out no more what was under way before it and
	// is to come again.
	if err := stream.Purge(ctx, jetstream.WithPurgeSubject(slot), jetstream.WithPurgeSequence(m.Sequence+1)); err != nil {
		return fmt.Errorf("remove push job: %w", err)
	}
	return nil
}
