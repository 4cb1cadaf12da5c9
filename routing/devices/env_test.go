package devices_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/devices"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

type env struct {
	t   *testing.T
	ctx context.Context
	js  jetstream.JetStream
	kv  jetstream.KeyValue
	// router and push are the same bucket under the two roles' permissions.
	router, push *devices.Store
}

func start(t *testing.T) *env {
	t.Helper()
	return startWith(t, routing.StreamOptions{})
}

func startWith(t *testing.T, o routing.StreamOptions) *env {
	t.Helper()
	srv := natstest.Run(t,
		routing.User{Role: routing.RoleRouter, Label: "r1"},
		routing.User{Role: routing.RolePush, Label: "p1"})
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	e := &env{t: t, ctx: ctx}
	_, js := srv.JetStream("r1", o)
	e.js, e.router = js, e.open(js)
	var err error
	if e.kv, err = js.KeyValue(ctx, routing.BucketDevices); err != nil {
		t.Fatal(err)
	}
	if js, err = jetstream.New(srv.Conn(routing.RolePush, "p1")); err != nil {
		t.Fatal(err)
	}
	e.push = e.open(js)
	return e
}

func (e *env) open(js jetstream.JetStream) *devices.Store {
	e.t.Helper()
	s, err := devices.Open(e.ctx, js)
	if err != nil {
		e.t.Fatal(err)
	}
	return s
}

func record(token string, at time.Time) *linkpb.DeviceRecord {
	return &linkpb.DeviceRecord{
		Platform: "ios", App: "com.example.app", PushToken: token,
		RegisteredMs: at.UnixMilli(), Epoch: at.UnixMilli(),
	}
}

func (e *env) put(id devices.ID, r *linkpb.DeviceRecord, want devices.Outcome) {
	e.t.Helper()
	got, err := e.router.Put(e.ctx, id, r)
	if err != nil || got != want {
		e.t.Fatalf("put of %v: %v, %v, want %v", id, got, err, want)
	}
}

func (e *env) token(id devices.ID) string {
	e.t.Helper()
	r, err := e.push.Record(e.ctx, id.Tenant, id.User, id.Device)
	if err != nil {
		e.t.Fatal(err)
	}
	if !r.Found {
		return "none"
	}
	return r.Token
}

func (e *env) owner(token string) string {
	e.t.Helper()
	v, err := e.kv.Get(e.ctx, routing.TokenOwnerKey("acme", "com.example.app", token))
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return "none"
	}
	if err != nil {
		e.t.Fatal(err)
	}
	return string(v.Value())
}

func (e *env) want(id devices.ID, token string) {
	e.t.Helper()
	if got := e.token(id); got != token {
		e.t.Errorf("%v has token %s, want %s", id, got, token)
	}
}

func (e *env) wantOwner(token, owner string) {
	e.t.Helper()
	if got := e.owner(token); got != owner {
		e.t.Errorf("token %s belongs to %q, want %q", token, got, owner)
	}
}
