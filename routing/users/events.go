package users

import (
	"context"
	"encoding/json"
	"errors"
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
	var failed error
	for last := uint64(0); ; {
		seq, err := s.nextEvent(ctx, last, subject)
		switch {
		case err != nil:
			return fmt.Errorf("read the events to remove: %w", err)
		case seq == 0:
			return nil
		case seq == last: // it is there still
			return fmt.Errorf("remove event %d: %w", seq, failed)
		}
		if failed = s.removeEvent(ctx, seq); failed == nil {
			failed = errStands
		}
		last = seq
	}
}

// errStands tells that a removed event is still there.
var errStands = errors.New("it stands there still")

// nextEvent asks the log's leader, as a replica may not know the newest yet; 0:
// there is none.
func (s *Service) nextEvent(ctx context.Context, from uint64, subject string) (uint64, error) {
	var answer struct {
		Error   *jetstream.APIError `json:"error"`
		Message struct {
			Seq uint64 `json:"seq"`
		} `json:"message"`
	}
	err := s.ask(ctx, "GET", map[string]any{"seq": max(from, 1), "next_by_subj": subject}, &answer)
	switch {
	case err != nil:
		return 0, err
	case answer.Error != nil && answer.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return 0, nil
	case answer.Error != nil:
		return 0, answer.Error
	}
	return answer.Message.Seq, nil
}

func (s *Service) removeEvent(ctx context.Context, seq uint64) error {
	var answer struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := s.ask(ctx, "DELETE", map[string]any{"seq": seq, "no_erase": true}, &answer); err != nil {
		return err
	}
	if answer.Error != nil {
		return answer.Error
	}
	return nil
}

func (s *Service) ask(ctx context.Context, what string, body, answer any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	m, err := s.js.Conn().RequestWithContext(ctx, "$JS.API.STREAM.MSG."+what+"."+routing.StreamInbox, b)
	if err != nil {
		return err
	}
	return json.Unmarshal(m.Data, answer)
}
