package routing_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// TestStolenEdgeNamesReplies: an edge that asks a tenant's service names the
// subject of the answer. Whoever has an edge's credentials, and a service that
// answers with what it was sent, must not write through it where edges may
// not publish.
func TestStolenEdgeNamesReplies(t *testing.T) {
	s := natstest.Run(t, users()...)
	router, js := s.JetStream("r1", routing.StreamOptions{})
	edge := connect(t, s.URL(), routing.RoleEdge, "hk1")
	other := connect(t, s.URL(), routing.RoleEdge, "hk2")
	backend := connect(t, s.URL(), routing.RoleBackend, "acme")
	orders := routing.UpstreamSubject("acme", "orders", "echo")
	answered := make(chan bool, 1)
	if _, err := backend.QueueSubscribe(orders, "orders", func(m *nats.Msg) {
		_ = m.Respond(m.Data)
		_ = backend.Flush() // the answer is where it goes by then
		answered <- true
	}); err != nil {
		t.Fatal(err)
	}
	if err := backend.Flush(); err != nil {
		t.Fatal(err)
	}
	var heard []*nats.Subscription
	for nc, subject := range map[*nats.Conn]string{router: routing.BeatsAll, other.Conn: routing.NotifySubject("hk2")} {
		sub, err := nc.SubscribeSync(subject)
		if err != nil {
			t.Fatal(err)
		}
		heard = append(heard, sub)
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	ask := func(reply string) {
		t.Helper()
		if err := edge.PublishRequest(orders, reply, []byte("forged")); err != nil {
			t.Fatal(err)
		}
		select {
		case <-answered:
		case <-time.After(time.Minute):
			t.Fatalf("the service was not asked, reply %s", reply)
		}
	}
	mine := routing.InboxPrefix(routing.RoleEdge, "hk1") + ".up.acme.x"
	sub, err := edge.SubscribeSync(mine)
	if err != nil {
		t.Fatal(err)
	}
	if ask(mine); true {
		if m, err := sub.NextMsg(time.Minute); err != nil || string(m.Data) != "forged" {
			t.Fatalf("the answer to the edge itself: %v, %v", m, err)
		}
	}
	const stored = "$KV.DEVICES.d.globex.u1.d1"
	if _, err := js.Publish(t.Context(), stored, []byte("a record")); err != nil {
		t.Fatal(err)
	}
	for _, reply := range []string{
		routing.InboxSubject("globex", "u1", "messages"), routing.PushSubject("globex", "u1", "d1", "messages"),
		"$KV.DEVICES.c.globex.u1", "hawser.v1.events.globex.presence.changed", "$JS.API.STREAM.PURGE.KV_DEVICES",
		"hw.b.r9", routing.NotifySubject("hk2"), "_INBOX.router.r1.x", "_INBOX.push.p1.x",
	} {
		ask(reply)
	}
	for _, nc := range []*nats.Conn{router, other.Conn} {
		if err := nc.Flush(); err != nil {
			t.Fatal(err)
		}
	}
	for _, sub := range heard {
		if n, _, _ := sub.Pending(); n != 0 {
			t.Errorf("%d forged messages were heard on %s", n, sub.Subject)
		}
	}
	for stream, want := range map[string]uint64{routing.StreamInbox: 0, routing.StreamPush: 0, routing.StreamEvents: 0, routing.StreamDevices: 1} {
		in, err := js.Stream(t.Context(), stream)
		if err != nil {
			t.Fatal(err)
		}
		if n := in.CachedInfo().State.Msgs; n != want {
			t.Errorf("%d messages are in %s, not %d", n, stream, want)
		}
	}
}
