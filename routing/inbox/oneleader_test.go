package inbox_test

import (
	"testing"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// Where a leader is cut off there are two for a while, one for each side. That
// there is nothing of a kind is only believed of the one that has the log up to
// where it must be known.
func TestNothingIsSaidByTheLeaderThatHasTheLog(t *testing.T) {
	t.Parallel()
	leader, deposed := natstest.Run(t), natstest.Run(t)
	put := func(s *natstest.Server, users ...string) (head uint64) {
		_, js := s.JetStream("r1", routing.StreamOptions{})
		for _, u := range users {
			ack, err := js.Publish(t.Context(), routing.InboxSubject("acme", u, "messages"), []byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			head = ack.Sequence
		}
		return head
	}
	put(deposed, "u2")
	head := put(leader, "u2", "u1")
	catalog, err := routing.NewCatalog([]routing.Tenant{{Name: "acme", Kinds: map[string]routing.Kind{"messages": {}}}})
	if err != nil {
		t.Fatal(err)
	}
	reader, err := inbox.NewReader(inbox.Config{
		Conns: []*nats.Conn{leader.Conn(routing.RoleRouter, "r2"), deposed.Conn(routing.RoleRouter, "r2")}, Catalog: catalog,
	})
	if err != nil {
		t.Fatal(err)
	}
	for range 6 { // each begins with another connection
		heads, err := reader.Heads(t.Context(), []inbox.User{{Tenant: "acme", User: "u1"}}, head)
		if err != nil || len(heads[0]) != 1 || heads[0][0].Sequence != head {
			t.Errorf("heads %+v, %v, want one at %d", heads, err, head)
		}
	}
}
