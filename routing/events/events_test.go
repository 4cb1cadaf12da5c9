package events_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/events"
)

// The push role may write events, and the tenant's backend, without any
// JetStream, hears them.
func TestBackendHearsEvents(t *testing.T) {
	s := natstest.Run(t,
		routing.User{Role: routing.RoleRouter, Label: "r1"},
		routing.User{Role: routing.RolePush, Label: "p1"},
		routing.User{Role: routing.RoleBackend, Label: "acme"})
	s.JetStream("r1", routing.StreamOptions{})
	backend := s.Conn(routing.RoleBackend, "acme")
	sub, err := backend.SubscribeSync(routing.EventsOf("acme"))
	if err != nil {
		t.Fatal(err)
	}
	if err := backend.Flush(); err != nil {
		t.Fatal(err)
	}
	js, err := jetstream.New(s.Conn(routing.RolePush, "p1"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	p := events.New(js, "/hawser/push/p1")
	if err := p.TokenRejected(ctx, "acme", "u1", "d1", "com.example.app", "Unregistered"); err != nil {
		t.Fatal(err)
	}
	if err := p.PushDead(ctx, "acme", "u1", "d1", "messages", 7, "too old"); err != nil {
		t.Fatal(err)
	}
	if err := p.DeviceRegistered(ctx, "acme", "u1", "d1", "ios", "com.example.app"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct {
		typ  string
		data events.Data
	}{
		{"token.rejected", events.Data{App: "com.example.app", Reason: "Unregistered"}},
		{"push.dead", events.Data{Kind: "messages", Version: "7", Reason: "too old"}},
		{"device.registered", events.Data{Platform: "ios", App: "com.example.app"}},
	} {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			t.Fatal(err)
		}
		var e events.Event
		if err := json.Unmarshal(msg.Data, &e); err != nil {
			t.Fatal(err)
		}
		want.data.Schema, want.data.User, want.data.Device = "hawser.event.v1", "u1", "d1"
		if msg.Subject != "hawser.v1.events.acme."+want.typ || e.Type != "hawser.v1."+want.typ || e.Data != want.data {
			t.Errorf("got %s %+v, want %+v", msg.Subject, e, want)
		}
		if e.SpecVersion != "1.0" || e.ID == "" || e.Source != "/hawser/push/p1" || e.Subject != "u1/d1" || e.Time.IsZero() {
			t.Errorf("envelope %+v", e)
		}
	}
}

func TestBadNamesAreRefused(t *testing.T) {
	p := events.New(nil, "/hawser/push/p1")
	err := p.PushDead(context.Background(), "ac.me", "u1", "d1", "messages", 7, "too old")
	if !errors.Is(err, wire.ErrID) {
		t.Fatalf("error %v, want %v", err, wire.ErrID)
	}
}
