package users

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
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
		seq, err := s.nextEvent(ctx, from, subject)
		if err != nil {
			return fmt.Errorf("read the events to remove: %w", err)
		}
		if seq == 0 {
			return nil
		}
		if err := log.DeleteMsg(ctx, seq); err != nil {
			return fmt.Errorf("remove event %d: %w", seq, err)
		}
		from = seq + 1
	}
}

// nextEvent asks the log's leader, as a replica may not know the newest yet; 0:
// there is none.
func (s *Service) nextEvent(ctx context.Context, from uint64, subject string) (uint64, error) {
	body, err := json.Marshal(map[string]any{"seq": from, "next_by_subj": subject})
	if err != nil {
		return 0, err
	}
	m, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG.GET."+routing.StreamInbox, body)
	if err != nil {
		return 0, err
	}
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq uint64 `json:"seq"`
		} `json:"message"`
	}
	if err := json.Unmarshal(m.Data, &answer); err != nil {
		return 0, err
	}
	switch {
	case answer.Error == nil:
		return answer.Message.Seq, nil
	case answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return 0, nil
	default:
		return 0, answer.Error
	}
}
