package publish_test

import (
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/publish"
)

// A router that leaves a NATS server which answers nothing stores over the next
// one what it was asked to store meanwhile: it is not shutting down.
func TestPublicationsOutliveAMove(t *testing.T) {
	t.Parallel()
	r := newRig(t, routing.StreamOptions{}, nil)
	silent := natstest.NewLine(t, strings.TrimPrefix(r.srv.URL(), "nats://"))
	opts := append(routing.ConnectOptions(routing.RoleRouter, "r1"),
		nats.UserInfo(routing.UserName(routing.RoleRouter, "r1"), natstest.Password), nats.DontRandomize())
	nc, err := nats.Connect(silent.URL()+","+r.srv.URL(), opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	svc := publish.New(publish.Config{JS: js, Reader: r.reader, Catalog: catalog(t), AttemptTimeout: time.Minute})
	silent.Cut()
	sent := nc.Stats().OutMsgs
	done := make(chan error, 1)
	go func() {
		_, err := svc.Publish(t.Context(), "acme", publish.Request{User: "u", Kind: "messages", ID: "x"})
		done <- err
	}()
	for nc.Stats().OutMsgs == sent {
		time.Sleep(time.Millisecond)
	}
	if err := nc.ForceReconnect(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if got := r.stored(t); got != 1 {
		t.Errorf("%d stored, want 1", got)
	}
}
