package routing_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

func users() []routing.User {
	list := []routing.User{
		{Role: routing.RoleEdge, Label: "hk1"}, {Role: routing.RoleEdge, Label: "hk2"},
		{Role: routing.RoleEdge, Label: "hk3", Tenants: []string{"acme"}},
		{Role: routing.RoleRouter, Label: "r1"}, {Role: routing.RolePush, Label: "p1"},
		{Role: routing.RoleBackend, Label: "acme"}, {Role: routing.RoleBackend, Label: "globex"},
		{Role: routing.RoleMonitor, Label: "grafana"}, {Role: routing.RoleOperator, Label: "alice"},
	}
	for i := range list {
		list[i].Password = natstest.Password
	}
	return list
}

// guest is a connection that tries what it may do.
type guest struct{ *nats.Conn }

func connect(t *testing.T, url string, role routing.Role, label string) guest {
	t.Helper()
	nc, err := nats.Connect(url, nats.UserInfo(routing.UserName(role, label), natstest.Password),
		nats.CustomInboxPrefix(routing.InboxPrefix(role, label)),
		nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	return guest{nc}
}

// refused reports whether the server refused what was just done, and told the
// client so. The client hears of it before the answer to its flush.
func (g guest) refused(t *testing.T, what, subject string) bool {
	t.Helper()
	if err := g.Flush(); err != nil {
		t.Fatal(err)
	}
	err := g.LastError()
	return errors.Is(err, nats.ErrPermissionViolation) && strings.Contains(err.Error(), what+" to \""+subject+"\"")
}

func (g guest) mayPublish(t *testing.T, subject string) bool {
	t.Helper()
	if err := g.Publish(subject, nil); err != nil {
		t.Fatal(err)
	}
	return !g.refused(t, "Publish", subject)
}

func (g guest) maySubscribe(t *testing.T, subject string) bool {
	t.Helper()
	s, err := g.SubscribeSync(subject)
	if err != nil {
		t.Fatal(err)
	}
	refused := g.refused(t, "Subscription", subject)
	_ = s.Unsubscribe() // of a refused one it does nothing
	return !refused
}

// Everything that a router and a push worker do on JetStream works with their
// permissions.
func TestRolesCanWork(t *testing.T) {
	s := natstest.Run(t, users()...)
	_, js := s.JetStream("r1", routing.StreamOptions{})
	e := routing.Event{Tenant: "acme", User: "u1", Kind: "messages", ID: "1"}
	if _, err := js.PublishMsg(t.Context(), e.Message()); err != nil {
		t.Fatal(err)
	}
	consumeOne(t, js, routing.StreamInbox, routing.ConsumerRouters)
	kv, err := js.KeyValue(t.Context(), routing.BucketDevices)
	if err != nil {
		t.Fatal(err)
	}
	key := routing.DeviceKey("acme", "u1", "d1")
	if _, err := kv.Put(t.Context(), key, []byte("x")); err != nil {
		t.Fatal(err)
	}
	w, err := kv.WatchAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if u := <-w.Updates(); u == nil || u.Key() != key {
		t.Errorf("watched %v", u)
	}
	if err := w.Stop(); err != nil {
		t.Error(err)
	}
	if _, err := js.Publish(t.Context(), routing.PushSubject("acme", "u1", "d1", "messages"), nil); err != nil {
		t.Fatal(err)
	}
	push, err := jetstream.New(s.Conn(routing.RolePush, "p1"))
	if err != nil {
		t.Fatal(err)
	}
	consumeOne(t, push, routing.StreamPush, routing.ConsumerPush)
	pkv, err := push.KeyValue(t.Context(), routing.BucketDevices)
	if err != nil {
		t.Fatal(err)
	}
	entry, err := pkv.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := pkv.Delete(t.Context(), key, jetstream.LastRevision(entry.Revision())); err != nil {
		t.Error(err)
	}
	in, err := push.Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := in.GetLastMsgForSubject(t.Context(), routing.InboxSubject("acme", "u1", "messages")); err != nil {
		t.Error(err)
	}
	ps, err := push.Stream(t.Context(), routing.StreamPush)
	if err != nil {
		t.Fatal(err)
	}
	if err := ps.Purge(t.Context(), jetstream.WithPurgeSubject(routing.PushSubject("acme", "u1", "d1", "*"))); err != nil {
		t.Error(err)
	}
}

func consumeOne(t *testing.T, js jetstream.JetStream, stream, consumer string) {
	t.Helper()
	c, err := js.Consumer(t.Context(), stream, consumer)
	if err != nil {
		t.Fatal(err)
	}
	m, err := c.Next(jetstream.FetchMaxWait(5 * time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := m.DoubleAck(t.Context()); err != nil {
		t.Error(err)
	}
}
