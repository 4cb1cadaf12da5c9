package inbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/inbox"
)

// A leader that is cut off from the others answers as one for 10 s more. What
// it has not heard of may well be stored: no device is told by it that it is
// ahead of the head.
func TestLeaderThatIsCutOffTakesNothingAway(t *testing.T) {
	t.Parallel()
	servers := natstest.RunCluster(t, 3)
	for _, s := range servers {
		_, js := s.JetStream("r1", routing.StreamOptions{Replicas: 3})
		stream, err := js.Stream(t.Context(), routing.StreamInbox)
		if err != nil {
			t.Fatal(err)
		}
		if stream.CachedInfo().Cluster.Leader == s.Options().Name {
			cutOff(t, s, js, servers)
			return
		}
	}
	t.Fatal("nobody leads")
}

func cutOff(t *testing.T, leader *natstest.Server, js jetstream.JetStream, servers []*natstest.Server) {
	t.Helper()
	ack, err := js.Publish(t.Context(), routing.InboxSubject("acme", "u1", "messages"), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	reader := readerOf(t, leader, 0)
	ask := func() (inbox.Page, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		return reader.Since(ctx, "acme", "u1", "messages", int64(ack.Sequence)+1, inbox.Limits{})
	}
	p, err := ask()
	for end := time.Now().Add(time.Minute); err != nil && time.Now().Before(end); { // the machine may stand still
		p, err = ask()
	}
	if err != nil || !p.ResetToHead {
		t.Fatalf("with the others there: %+v, %v", p, err)
	}
	for _, s := range servers {
		if s != leader {
			s.Shutdown()
		}
	}
	// The others would elect 4 s after they heard from it last.
	for gone := time.Now(); ; {
		asked := time.Since(gone)
		p, err := ask()
		if err == nil && p.ResetToHead && asked > 4*time.Second {
			t.Fatalf("%v after the others were gone: %+v", asked, p)
		}
		if asked > 6*time.Second {
			return
		}
	}
}
