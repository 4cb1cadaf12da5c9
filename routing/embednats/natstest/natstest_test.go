package natstest_test

import (
	"context"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

func TestRestartKeepsFiles(t *testing.T) {
	s := natstest.Run(t, routing.User{Role: routing.RoleRouter, Label: "r1"})
	_, js := s.JetStream("r1", routing.StreamOptions{})
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	e := routing.Event{Tenant: "demo", User: "u1", Kind: "messages", ID: "1"}
	ack, err := js.PublishMsg(ctx, e.Message())
	if err != nil {
		t.Fatal(err)
	}
	s.Restart(nil)
	js2, err := jetstream.New(s.Conn(routing.RoleRouter, "r1"))
	if err != nil {
		t.Fatal(err)
	}
	st, err := js2.Stream(ctx, routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	if got := st.CachedInfo().State.LastSeq; got != ack.Sequence {
		t.Errorf("last sequence after restart %d, want %d", got, ack.Sequence)
	}
}
