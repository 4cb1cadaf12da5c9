package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/routing"
)

// streamEvents reads every event of the demo's kinds from the stream itself.
func (f *fleet) streamEvents(ctx context.Context) ([]event, error) {
	stream, err := f.js.Stream(ctx, routing.StreamInbox)
	if err != nil {
		return nil, fmt.Errorf("open the stream: %w", err)
	}
	state := stream.CachedInfo().State
	var events []event
	for seq := state.FirstSeq; seq <= state.LastSeq && state.Msgs > 0; seq++ {
		msg, err := stream.GetMsg(ctx, seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("read message %d of the stream: %w", seq, err)
		}
		// inbox.<partition>.<tenant>.<user>.<kind>
		parts := strings.Split(msg.Subject, ".")
		if len(parts) != 5 {
			return nil, fmt.Errorf("message %d of the stream has the subject %q", seq, msg.Subject)
		}
		events = append(events, event{user: parts[3], kind: parts[4], version: int64(seq), stored: msg.Time})
	}
	return events, nil
}

// pushesTo are what the providers received for a device's token.
func (f *fleet) pushesTo(d *device) ([]push, error) {
	var all []push
	for _, n := range f.notifications(d) {
		var payload struct {
			V       int    `json:"v"`
			User    string `json:"user"`
			Kind    string `json:"kind"`
			Version int64  `json:"version,string"`
		}
		if err := json.Unmarshal(n.Hawser, &payload); err != nil {
			return nil, fmt.Errorf("a push carries no readable block %q: %w", "hawser", err)
		}
		if payload.V != 1 || payload.User != d.user || payload.Version == 0 {
			return nil, fmt.Errorf("a push for %s carries %s", d.user, n.Hawser)
		}
		all = append(all, push{token: n.Token, kind: payload.Kind, version: payload.Version, at: n.At})
	}
	return all, nil
}

func (f *fleet) notifications(d *device) []pushtest.Notification {
	return append(f.env.APNs.ReceivedBy(d.pushToken()), f.env.FCM.ReceivedBy(d.pushToken())...)
}
