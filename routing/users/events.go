package users

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/jsapi"
)

// removeEvents removes a user's events from the log, one by one: there are as many
// as are kept of each kind. A purge of their subjects would do it at once, and
// have the routers' consumer take its floors from those of them that are under way
// (nats-server 2.15.2): events of other users before these would not come again
// where their router dies.
func (s *Service) removeEvents(ctx context.Context, subject string) error {
	log, err := s.js.Stream(ctx, routing.StreamInbox)
	if err != nil {
		return fmt.Errorf("open stream %s: %w", routing.StreamInbox, err)
	}
	for from := uint64(1); ; {
		m, err := jsapi.Get(ctx, s.js.Conn(), routing.StreamInbox, jsapi.Query{Next: subject, Sequence: from})
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the events to remove: %w", err)
		}
		if err := log.DeleteMsg(ctx, m.Sequence); err != nil {
			return fmt.Errorf("remove event %d: %w", m.Sequence, err)
		}
		from = m.Sequence + 1
	}
}
