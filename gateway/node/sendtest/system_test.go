package sendtest

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// app is an application with a provider. Its devices are named by its tenant and
// a number.
type app struct {
	key      push.AppKey
	provider push.Provider
}

// system stands for the routers, the device records and the backends: every
// device is away and has a token. A device's record is derived from its name.
type system struct{ apps map[string]push.AppKey } // by tenant

func (s system) Check(context.Context, push.Target) (push.PresenceState, error) {
	return push.Away, nil
}

func (s system) Head(context.Context, string, string, string) (int64, []byte, error) {
	return 0, nil, nil
}

func (s system) Record(_ context.Context, tenant, _, device string) (push.Record, error) {
	k := s.apps[tenant]
	return push.Record{
		Platform: k.Platform, App: k.App, Token: tokenOf(device), RegisteredAt: time.Now().Add(-time.Hour), Found: true,
	}, nil
}

func (s system) MarkRejected(context.Context, string, string, string, uint64, time.Time) (bool, error) {
	return false, nil
}

func (s system) DropToken(context.Context, string, string, string, uint64) (bool, error) {
	return false, nil
}

func (s system) TokenRejected(context.Context, string, string, string, string, string) error {
	return nil
}

func (s system) PushDead(context.Context, string, string, string, string, int64, string) error {
	return nil
}

func deviceOf(number int) string { return fmt.Sprintf("d%d", number) }

// tokenOf is a token as both services take it.
func tokenOf(device string) string {
	return fmt.Sprintf("%064s", strings.TrimPrefix(device, "d"))
}

// fleet is the queue in a real NATS and one push worker.
type fleet struct {
	t     *testing.T
	store *pushqueue.Store
	start func()
}

// newFleet returns a fleet whose worker begins with start and ends with the test.
func newFleet(t *testing.T, apps ...app) *fleet {
	t.Helper()
	srv := natstest.Run(t, routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RolePush, Label: "p1"})
	_, router := srv.JetStream("r1", routing.StreamOptions{})
	js, err := jetstream.New(srv.Conn(routing.RolePush, "p1"))
	if err != nil {
		t.Fatal(err)
	}
	store := pushqueue.NewStore(router)
	t.Cleanup(store.Close)
	s := system{map[string]push.AppKey{}}
	providers := map[push.AppKey]push.Provider{}
	for _, a := range apps {
		s.apps[a.key.Tenant], providers[a.key] = a.key, a.provider
	}
	w, err := push.NewWorker(push.Config{
		Presence: s, Records: s, Heads: s, Events: s,
		Policy: func(string, string) push.Defaults { return push.Defaults{Title: "New message"} },
		Apps:   providers, Gather: time.Millisecond, GatherHigh: time.Millisecond,
		Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	return &fleet{t: t, store: store, start: func() {
		ctx, cancel := context.WithCancel(context.Background())
		worked, consumed := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(worked)
			_ = w.Run(ctx)
		}()
		go func() {
			defer close(consumed)
			_ = pushqueue.Consume(ctx, js, pushqueue.ConsumeConfig{Name: "p1"}, func(d *pushqueue.Delivery) { w.Handle(ctx, push.Job(d.Job), d) })
		}()
		t.Cleanup(func() {
			cancel()
			<-worked
			<-consumed
		})
	}}
}

// put stores a job; stored is told when it is.
func (f *fleet) put(tenant string, number int, stored func(error)) {
	f.store.Put(pushqueue.Job{
		Tenant: tenant, User: fmt.Sprintf("u%d", number), Device: deviceOf(number), Kind: "messages",
		Version: 1, EventAt: time.Now(), Urgency: push.Normal,
	}, stored)
}
