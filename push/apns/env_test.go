package apns

import (
	"log/slog"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

const (
	topic  = "org.example.chat"
	device = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
)

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func configFor(sim *pushtest.APNs) Config {
	return Config{
		TeamID: sim.TeamID(), KeyID: sim.KeyID(), Key: sim.Key(),
		Topic: topic, Endpoint: sim.URL(), RootCAs: sim.RootCAs(),
	}
}

// start returns an application at a new simulator.
func start(t *testing.T) (*App, *pushtest.APNs) {
	t.Helper()
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{Topics: []string{topic}})
	pool := NewPool(quiet())
	t.Cleanup(pool.Close)
	app, err := pool.App(configFor(sim))
	if err != nil {
		t.Fatal(err)
	}
	return app, sim
}

func message(token string) push.Message {
	return push.Message{
		App: topic, Token: token,
		ID:       uuid.MustParse("6ba7b810-9dad-51d1-80b4-00c04fd430c8"),
		Collapse: "chat",
		Content:  push.Content{Title: "Anna", Body: "are you there?", Sound: "ping.caf"},
		Hawser:   push.Hawser{V: 1, User: "u1", Kind: "messages", Version: "9007199254740991"},
		Urgency:  push.Normal,
		Expiry:   time.Unix(2_000_000_000, 0),
	}
}
