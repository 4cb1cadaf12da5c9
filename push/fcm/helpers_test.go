package fcm

import (
	"context"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/pushtest"
)

const device = "cFCMdevice:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ-hQMRKRrZuJAEcl7B338qju59zJMjw2DELjzEvxwYv7hH5Ynpc1ODQ0aT4U4OFEeco8ohsN5PjL1iC2dNtk2BAokeMCg2ZXKqpc8FXKmhX94kIxQ"

func quiet() *slog.Logger { return slog.New(slog.NewTextHandler(io.Discard, nil)) }

func simulator(t *testing.T, opts pushtest.FCMOptions) *pushtest.FCM {
	t.Helper()
	sim, err := pushtest.NewFCM(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Errorf("closing the simulator: %v", err)
		}
	})
	return sim
}

func configFor(sim *pushtest.FCM) Config {
	return Config{Credentials: sim.ServiceAccount(), Endpoint: sim.URL(), RootCAs: sim.RootCAs(), Log: quiet()}
}

// start returns a client of a new simulator.
func start(t *testing.T) (*Client, *pushtest.FCM) {
	t.Helper()
	sim := simulator(t, pushtest.FCMOptions{})
	c, err := New(configFor(sim))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, sim
}

func message() push.Message {
	return push.Message{
		App: "org.example.chat", Token: device,
		ID:       uuid.MustParse("6ba7b810-9dad-51d1-80b4-00c04fd430c8"),
		Collapse: "chat",
		Content:  push.Content{Title: "Anna", Body: "are you there?", Sound: "ping"},
		Hawser:   push.Hawser{V: 1, User: "u1", Kind: "messages", Version: "9007199254740991"},
		Urgency:  push.Normal,
		Expiry:   time.Now().Add(time.Hour + 500*time.Millisecond),
	}
}

func send(t *testing.T, c *Client, m push.Message) push.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	return c.Send(ctx, m)
}

func only(t *testing.T, sim *pushtest.FCM) pushtest.Notification {
	t.Helper()
	got := sim.Received()
	if len(got) != 1 {
		t.Fatalf("simulator accepted %d messages, want 1", len(got))
	}
	return got[0]
}
