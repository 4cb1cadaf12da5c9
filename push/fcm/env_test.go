package fcm

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

const device = "cFCMdevice:APA91bHPRgkF3JUikC4ENAHEeMrd41Zxv3hVZjC9KtT8OvPVGJ-hQMRKRrZuJAEcl7B338qju59zJMjw2DELjzEvxwYv7hH5Ynpc1ODQ0aT4U4OFEeco8ohsN5PjL1iC2dNtk2BAokeMCg2ZXKqpc8FXKmhX94kIxQ"

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func configFor(sim *pushtest.FCM) Config {
	return Config{Credentials: sim.ServiceAccount(), Endpoint: sim.URL(), RootCAs: sim.RootCAs(), Log: quiet()}
}

// start returns a client of a new simulator.
func start(t *testing.T) (*Client, *pushtest.FCM) {
	t.Helper()
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
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
