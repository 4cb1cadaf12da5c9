package router

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/users"
)

// Events that are under way while another user is deleted come again where they
// are handed back, whichever of them is settled first.
func TestDeletedUserLeavesOthersEvents(t *testing.T) {
	e := newEnv(t)
	c, err := e.js.Consumer(t.Context(), routing.StreamInbox, routing.ConsumerRouters)
	if err != nil {
		t.Fatal(err)
	}
	next := func() jetstream.Msg {
		t.Helper()
		m, err := c.Next(jetstream.FetchMaxWait(20 * time.Second))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	taken := map[string]jetstream.Msg{}
	for _, user := range []string{"first", "deleted", "last"} {
		e.publish(user, "messages")
		taken[user] = next()
	}
	if _, err := users.New(e.js).DeleteUser(t.Context(), tenant, "deleted"); err != nil {
		t.Fatal(err)
	}
	if err := taken["last"].DoubleAck(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := taken["first"].NakWithDelay(100 * time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if m := next(); m.Subject() != taken["first"].Subject() {
		t.Errorf("%s came again, want %s", m.Subject(), taken["first"].Subject())
	}
}
