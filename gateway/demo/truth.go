package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
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
	return append(f.apns.ReceivedBy(d.pushToken()), f.fcm.ReceivedBy(d.pushToken())...)
}

// notifies is how many notifies of routers the edges have taken, by their own
// count.
func (f *fleet) notifies(ctx context.Context) (int, error) {
	sum := 0
	for _, edge := range f.edges {
		text, err := metrics(ctx, edge)
		if err != nil {
			return 0, err
		}
		n, err := sumOf("hawser_session_notifies_total", text)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// metrics is what a process answers on /metrics.
func metrics(ctx context.Context, m Member) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.Admin+"/metrics", nil)
	if err != nil {
		return "", fmt.Errorf("read the metrics of %s: %w", m.Name, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", fmt.Errorf("read the metrics of %s: %w", m.Name, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return "", fmt.Errorf("read the metrics of %s: %w", m.Name, err)
	}
	return string(text), nil
}

// sumOf adds up the series of one metric. A metric that is not there is an
// error: its sum would look like one that does not move.
func sumOf(metric, text string) (int, error) {
	sum, found := 0, false
	for line := range strings.Lines(text) {
		rest, ok := strings.CutPrefix(line, metric)
		if !ok || rest[0] != '{' && rest[0] != ' ' {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
		if err != nil {
			return 0, fmt.Errorf("read the metric %s: %w", metric, err)
		}
		sum, found = sum+int(value), true
	}
	if !found {
		return 0, fmt.Errorf("there is no metric %s", metric)
	}
	return sum, nil
}
