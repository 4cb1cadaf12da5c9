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
	reader, _, head := twoSides(t)
	for range 6 { // each begins with another connection
		heads, err := reader.Heads(t.Context(), []inbox.User{{Tenant: "acme", User: "u1"}}, head)
		if err != nil || len(heads[0]) != 1 || heads[0][0].Sequence != head {
			t.Errorf("heads %+v, %v, want one at %d", heads, err, head)
		}
	}
}

// A replica that is cut off does not know that it lags, nor does a router that
// was handed none of the events that it lacks. Once it is known to be cut off
// nobody asks it.
func TestCutOffReplicaIsNotAsked(t *testing.T) {
	t.Parallel()
	reader, cutOff, head := twoSides(t)
	for range 6 {
		reader.Doubt(cutOff)
		heads, err := reader.Heads(t.Context(), []inbox.User{{Tenant: "acme", User: "u1"}}, 0)
		if err != nil || len(heads[0]) != 1 || heads[0][0].Sequence != head {
			t.Errorf("heads %+v, %v, want one at %d", heads, err, head)
		}
	}
}

// twoSides is a reader with connections to two servers, each of which takes
// itself for the log's leader. One of them has seen nothing of the user u1.
func twoSides(t *testing.T) (reader *inbox.Reader, behind *nats.Conn, head uint64) {
	t.Helper()
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
	head = put(leader, "u2", "u1")
	catalog, err := routing.NewCatalog([]routing.Tenant{{Name: "acme", Kinds: map[string]routing.Kind{"messages": {}}}})
	if err != nil {
		t.Fatal(err)
	}
	behind = deposed.Conn(routing.RoleRouter, "r2")
	reader, err = inbox.NewReader(inbox.Config{Conns: []*nats.Conn{leader.Conn(routing.RoleRouter, "r2"), behind}, Catalog: catalog})
	if err != nil {
		t.Fatal(err)
	}
	return reader, behind, head
}
