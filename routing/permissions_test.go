package routing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

func users() []routing.User {
	list := []routing.User{
		{Role: routing.RoleEdge, Label: "hk1"}, {Role: routing.RoleEdge, Label: "hk2"},
		{Role: routing.RoleRouter, Label: "r1"}, {Role: routing.RolePush, Label: "p1"},
		{Role: routing.RoleBackend, Label: "acme"}, {Role: routing.RoleBackend, Label: "globex"},
	}
	for i := range list {
		list[i].Password = natstest.Password
	}
	return list
}

// guest is a connection that counts what the server refused it.
type guest struct {
	*nats.Conn
	refused *atomic.Int64
}

func connect(t *testing.T, url string, role routing.Role, label string) guest {
	t.Helper()
	g := guest{refused: &atomic.Int64{}}
	nc, err := nats.Connect(url, nats.UserInfo(routing.UserName(role, label), natstest.Password),
		nats.CustomInboxPrefix(routing.InboxPrefix(role, label)),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			if strings.Contains(err.Error(), "ermissions") {
				g.refused.Add(1)
			}
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	g.Conn = nc
	return g
}

// tried reports whether the server refused what f did.
func (g guest) tried(t *testing.T, f func() error) (refused bool) {
	t.Helper()
	before := g.refused.Load()
	if err := f(); err != nil {
		t.Fatal(err)
	}
	if err := g.Flush(); err != nil {
		t.Fatal(err)
	}
	// The error is handed to its handler on another goroutine.
	for range 20 {
		if g.refused.Load() > before {
			return true
		}
		if g.LastError() == nil {
			time.Sleep(time.Millisecond)
			continue
		}
		time.Sleep(5 * time.Millisecond)
	}
	return false
}

func (g guest) mayPublish(t *testing.T, subject string) bool {
	t.Helper()
	return !g.tried(t, func() error { return g.Publish(subject, nil) })
}

func (g guest) maySubscribe(t *testing.T, subject string) bool {
	t.Helper()
	return !g.tried(t, func() error {
		s, err := g.SubscribeSync(subject)
		if err == nil {
			t.Cleanup(func() { _ = s.Unsubscribe() })
		}
		return err
	})
}

// rules are what each role may and must not do.
var rules = []struct {
	role                     routing.Role
	label                    string
	publish, neverPublish    []string
	subscribe, neverSubcribe []string
}{
	{
		role: routing.RoleEdge, label: "hk1",
		publish: []string{
			"hw.s.hk1", "hw.r.r1.a.hk1", "hw.r.r1.d.hk1", "hw.q.heads.hk1", "hw.q.device.hk1", "hawser.v1.up.acme.orders.list",
		},
		neverPublish: []string{
			"$JS.API.INFO", "$JS.API.STREAM.INFO.INBOX", "$JS.API.DIRECT.GET.INBOX", "$JS.API.STREAM.MSG.GET.INBOX",
			"$JS.API.CONSUMER.MSG.NEXT.INBOX.ROUTERS", "$JS.API.STREAM.DELETE.INBOX", "$JS.ACK.INBOX.ROUTERS.1.1.1.1.0",
			"$KV.DEVICES.d.acme.u1.d1", "$SYS.REQ.SERVER.PING",
			routing.InboxSubject("acme", "u1", "messages"), "push.acme.u1.d1.messages", "hawser.v1.events.acme.x",
			"hawser.v1.pub.acme.u1.messages", "hw.s.hk2", "hw.r.r1.a.hk2", "hw.r.r1.d.hk2", "hw.q.heads.hk2",
			"hw.q.device.hk2", "hw.q.check.p1", "hawser.v1.api.acme.Presence", "hw.g.hk2.n", "hw.b.r1", "_INBOX.router.r1.x", "_INBOX.edge.hk2.x",
		},
		subscribe: []string{"hw.g.hk1.n", "hw.g.hk1.e", "hw.g.hk1.d", "hw.b.*", "_INBOX.edge.hk1.>"},
		neverSubcribe: []string{
			">", "hw.>", "hw.s.*", "hw.g.*.n", "hw.g.hk2.n", "hw.r.r1.a.*", "_INBOX.>", "_INBOX.edge.*.>", "_INBOX.edge.hk2.>",
			"inbox.>", "$JS.>", "hawser.v1.up.>", "hawser.v1.events.>", "$KV.>",
		},
	},
	{
		role: routing.RoleBackend, label: "acme",
		publish: []string{"hawser.v1.pub.acme.u1.messages", "hawser.v1.api.acme.Presence", "_INBOX.edge.hk1.up.acme.x"},
		neverPublish: []string{
			"hawser.v1.pub.globex.u1.messages", "hawser.v1.api.globex.Presence", routing.InboxSubject("acme", "u1", "messages"), "push.acme.u1.d1.messages",
			"$JS.API.INFO", "$JS.API.DIRECT.GET.INBOX", "$JS.API.DIRECT.GET.INBOX.inbox.1.globex.u1.messages", "$JS.API.STREAM.INFO.EVENTS",
			"$JS.API.CONSUMER.CREATE.EVENTS.x", "$JS.API.CONSUMER.MSG.NEXT.EVENTS.x", "hawser.v1.events.acme.x", "hawser.v1.up.acme.a.b",
			"_INBOX.edge.hk1.up.globex.x", "_INBOX.edge.hk1.x", "_INBOX.router.r1.x", "hw.s.hk1", "hw.g.hk1.n",
		},
		subscribe: []string{"hawser.v1.up.acme.*.*", "hawser.v1.up.acme.orders.list", "hawser.v1.events.acme.>", "_INBOX.backend.acme.>", "$SRV.PING"},
		neverSubcribe: []string{
			">", "hawser.v1.up.globex.*.*", "hawser.v1.up.*.orders.list", "hawser.v1.events.globex.>", "hawser.v1.events.>",
			"hawser.v1.pub.acme.*.*", "_INBOX.>", "_INBOX.backend.globex.>", "_INBOX.edge.hk1.>", "inbox.>", "hw.>",
		},
	},
	{
		role: routing.RolePush, label: "p1",
		publish: []string{"hw.q.check.p1", "hawser.v1.events.acme.push.dead", "$JS.API.DIRECT.GET.INBOX", "$JS.API.CONSUMER.MSG.NEXT.PUSH.PUSH"},
		neverPublish: []string{
			routing.InboxSubject("acme", "u1", "messages"), "$JS.API.STREAM.DELETE.INBOX", "$JS.API.STREAM.CREATE.X", "$JS.API.STREAM.PURGE.INBOX",
			"$JS.API.CONSUMER.MSG.NEXT.INBOX.ROUTERS", "$JS.ACK.INBOX.ROUTERS.1.1.1.1.0", "hw.q.check.p2", "hw.g.hk1.n", "_INBOX.edge.hk1.x",
		},
		subscribe:     []string{"_INBOX.push.p1.>"},
		neverSubcribe: []string{">", "hw.>", "inbox.>", "push.>", "_INBOX.>"},
	},
	{
		role: routing.RoleRouter, label: "r1",
		publish: []string{"hw.b.r1", "hw.g.hk1.n", "hw.g.hk1.e", "hw.g.hk1.d", "_INBOX.edge.hk1.x", "_INBOX.backend.acme.x"},
		neverPublish: []string{
			"hw.b.r2", "hw.s.hk1", "$JS.API.STREAM.DELETE.INBOX", "$JS.API.STREAM.CREATE.X", "$JS.API.CONSUMER.DELETE.INBOX.ROUTERS", "_INBOX.router.r2.x",
		},
		subscribe:     []string{"hw.s.*", "hw.r.r1.a.*", "hw.r.r1.d.*", "hw.q.heads.*", "hw.q.device.*", "hw.q.check.*", "hawser.v1.pub.*.*.*", "hawser.v1.api.*.*", "hawser.v1.up.acme.sync.messages", "hawser.v1.up.acme.orders.*"},
		neverSubcribe: []string{">", "hw.>", "hw.r.*.a.*", "hw.r.r2.a.*", "_INBOX.>", "hawser.v1.up.>"},
	},
}

func checkRules(t *testing.T, url string) {
	for _, r := range rules {
		t.Run(routing.UserName(r.role, r.label), func(t *testing.T) {
			t.Parallel()
			g := connect(t, url, r.role, r.label)
			check := func(what string, f func(*testing.T, string) bool, want bool, subjects []string) {
				for _, s := range subjects {
					if f(t, s) != want {
						t.Errorf("%s %s: allowed is %v", what, s, !want)
					}
				}
			}
			check("publish", g.mayPublish, false, r.neverPublish)
			check("subscribe", g.maySubscribe, false, r.neverSubcribe)
			check("publish", g.mayPublish, true, r.publish)
			check("subscribe", g.maySubscribe, true, r.subscribe)
		})
	}
}

func TestPermissions(t *testing.T) {
	s := natstest.Run(t, users()...)
	s.JetStream("r1", routing.StreamOptions{})
	t.Run("embedded", func(t *testing.T) { checkRules(t, s.URL()) })
	t.Run("configuration", func(t *testing.T) { checkRules(t, fromConfiguration(t, users())) })
	in, err := jetStream(t, s, "r1").Stream(t.Context(), routing.StreamInbox)
	if err != nil {
		t.Fatal(err)
	}
	if n := in.CachedInfo().State.Msgs; n != 0 {
		t.Errorf("%d forged messages are in the log", n)
	}
}

// fromConfiguration starts a server as nats-server would from a file.
func fromConfiguration(t *testing.T, list []routing.User) (url string) {
	t.Helper()
	block, err := routing.Authorization(list)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "nats.conf")
	text := fmt.Sprintf("listen: 127.0.0.1:-1\njetstream { store_dir: %q }\n%s", t.TempDir(), block)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	opts.NoLog, opts.NoSigs = true, true
	ns, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(10 * time.Second) {
		t.Fatal("the server did not start")
	}
	return ns.ClientURL()
}

func TestAuthorizationRefuses(t *testing.T) {
	u := routing.User{Role: routing.RoleEdge, Label: "hk1", Password: "x"}
	for name, list := range map[string][]routing.User{
		"nobody":      nil,
		"twice":       {u, u},
		"no password": {{Role: routing.RoleEdge, Label: "hk1"}},
		"wildcard":    {{Role: routing.RoleEdge, Label: "*", Password: "x"}},
		"role":        {{Role: "root", Label: "hk1", Password: "x"}},
	} {
		if _, err := routing.Authorization(list); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
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
