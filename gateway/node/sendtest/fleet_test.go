//go:build unix

package sendtest

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
	"github.com/hawser-edge/hawser/push/pushtest/remote"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
	"github.com/hawser-edge/hawser/routing/pushqueue"
)

// fleet is the members of the system that are processes of their own. The test
// itself stands for the router.
type fleet struct {
	t      *testing.T
	store  *pushqueue.Store
	worker *providertest.Process
	// good are the services of the application that works, bad those of the
	// others.
	good, bad services
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{t: t, good: newServices(t), bad: newServices(t)}
	url, js := startNATS(t)
	f.store = pushqueue.NewStore(js, nil)
	t.Cleanup(f.store.Close)
	f.worker = providertest.Start(t, "worker")
	f.worker.Tell(workerOptions{URL: url, Password: natstest.Password, Apps: []appOptions{
		{Key: push.AppKey{Tenant: "good", Platform: push.IOS, App: "a"}, Service: f.good.state},
		{Key: push.AppKey{Tenant: "hole", Platform: push.Android, App: "a"}, Service: f.bad.state},
		{Key: push.AppKey{Tenant: "revoked", Platform: push.IOS, App: "a"}, Service: f.bad.state, Revoked: true},
	}})
	return f
}

// startNATS returns a server's URL, and a router's connection to it with the
// streams made.
func startNATS(t *testing.T) (string, jetstream.JetStream) {
	t.Helper()
	router := routing.User{Role: routing.RoleRouter, Label: "r1", Password: natstest.Password}
	users := []routing.User{router, {Role: routing.RolePush, Label: "p1", Password: natstest.Password}}
	server := providertest.Start(t, "nats")
	server.Tell(natsOptions{Dir: t.TempDir(), Users: users})
	var url string
	server.Hear(&url)
	nc, err := nats.Connect(url, nats.UserInfo(router.Name(), router.Password),
		nats.CustomInboxPrefix(routing.InboxPrefix(router.Role, router.Label)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := routing.EnsureStreams(ctx, js, routing.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	return url, js
}

// services are simulators in a process of their own.
type services struct {
	t      *testing.T
	state  remote.State
	client remote.Client
}

func newServices(t *testing.T) services {
	t.Helper()
	s := services{t: t}
	p := providertest.Start(t, "services")
	p.Tell(t.TempDir())
	p.Hear(&s.state)
	s.client = remote.Client{Control: s.state.Control}
	return s
}

func (s services) freeze(on bool) {
	s.t.Helper()
	if err := s.client.Play(s.t.Context(), remote.Script{Provider: remote.FCM, Freeze: &on}); err != nil {
		s.t.Fatal(err)
	}
}

func (s services) status() remote.Status {
	s.t.Helper()
	now, err := s.client.Status(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return now
}

// awaitTaken waits until a service took so many pushes.
func (s services) awaitTaken(count int64, of func(remote.Status) remote.ProviderStatus) {
	s.t.Helper()
	providertest.Until(s.t, func() bool {
		taken := of(s.status()).Taken
		if taken < count {
			time.Sleep(10 * time.Millisecond) // asking costs the service time, too
		}
		return taken >= count
	})
}

func apnsOf(s remote.Status) remote.ProviderStatus { return s.APNs }
func fcmOf(s remote.Status) remote.ProviderStatus  { return s.FCM }

// requestsAfter returns the requests to APNs with a higher number, by user.
func (s services) requestsAfter(number int64) (byUser map[string]pushtest.Request, last int64) {
	s.t.Helper()
	byUser = map[string]pushtest.Request{}
	for {
		page, err := s.client.Requests(s.t.Context(), remote.APNs, number)
		if err != nil {
			s.t.Fatal(err)
		}
		if len(page) == 0 {
			return byUser, number
		}
		for _, r := range page {
			byUser["u"+strings.TrimLeft(r.Token, "0")] = r
			number = max(number, r.Seq)
		}
	}
}
