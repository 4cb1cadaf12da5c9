package natsconf_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"golang.org/x/crypto/bcrypt"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/natsconf"
)

var write = flag.Bool("write", false, "write the shipped files anew")

// shipped is where the files lie that operators take.
const shipped = "../../deploy/nats"

// fleet is whom the shipped accounts.conf knows: those of deploy/.
func fleet() []routing.User {
	return []routing.User{
		{Role: routing.RoleEdge, Label: "edge-1", Tenants: []string{"demo"}}, {Role: routing.RoleEdge, Label: "edge-2", Tenants: []string{"demo"}},
		{Role: routing.RoleRouter, Label: "router-1"}, {Role: routing.RoleRouter, Label: "router-2"},
		{Role: routing.RolePush, Label: "push-1"}, {Role: routing.RolePush, Label: "push-2"},
		{Role: routing.RoleBackend, Label: "demo"},
		{Role: routing.RoleMonitor, Label: "nats"}, {Role: routing.RoleOperator, Label: "admin"},
	}
}

// TestShippedFiles holds what is shipped to what dev and the tests load.
func TestShippedFiles(t *testing.T) {
	accounts, err := natsconf.Accounts(fleet())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"server.conf": natsconf.Server(), "accounts.conf": accounts} {
		file := filepath.Join(shipped, name)
		if *write {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil || string(have) != want {
			t.Errorf("%s is not what the code says (%v): go test ./routing/natsconf -run Shipped -write", file, err)
		}
		if strings.Contains(want, "no_auth_user") && !strings.Contains(want, "There is no no_auth_user") {
			t.Errorf("%s lets strangers in", name)
		}
	}
	if strings.Contains(accounts, "password: \"") {
		t.Error("a password is in the shipped accounts")
	}
}

// cluster starts three servers from the shipped files, with secrets as
// "hawser config nats" makes them.
func cluster(t *testing.T) (urls []string) {
	t.Helper()
	dir := t.TempDir()
	copyShipped(t, dir)
	users := fleet()
	for i := range users {
		hash, err := bcrypt.GenerateFromPassword([]byte("secret-"+users[i].Name()), bcrypt.MinCost)
		if err != nil {
			t.Fatal(err)
		}
		users[i].Password = string(hash)
	}
	passwords, err := natsconf.Passwords(users)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, natsconf.PasswordsFile, passwords)
	// As deploy/prepare makes it.
	writeFile(t, dir, "cluster.conf", `authorization { user: cluster, password: "secret", timeout: 2 }
		routes: [ "nats-route://cluster:secret@127.0.0.1:1" ]`)
	var first *server.Server
	for i := range 3 {
		t.Setenv("NATS_NAME", fmt.Sprintf("nats-%d", i+1))
		t.Setenv("NATS_DATA", t.TempDir())
		s := start(t, filepath.Join(dir, "nats.conf"), first)
		if first == nil {
			first = s
		}
		urls = append(urls, s.ClientURL())
	}
	for first.NumRoutes() == 0 {
		time.Sleep(10 * time.Millisecond)
	}
	return urls
}

// start changes nothing of the file but ports and routes, which a test can
// not know before.
func start(t *testing.T, file string, first *server.Server) *server.Server {
	t.Helper()
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatal(err)
	}
	opts.NoLog, opts.NoSigs = true, true
	opts.Host, opts.Port, opts.HTTPPort = "127.0.0.1", server.RANDOM_PORT, 0
	opts.Cluster.Host, opts.Cluster.Port = "127.0.0.1", server.RANDOM_PORT
	if first != nil {
		route := *opts.Routes[0]
		route.Host = first.ClusterAddr().String()
		opts.Routes = append(opts.Routes[:0], &route)
	}
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return s
}

func copyShipped(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"nats.conf", "server.conf", "accounts.conf"} {
		text, err := os.ReadFile(filepath.Join(shipped, name))
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, dir, name, string(text))
	}
}

func writeFile(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func login(url string, role routing.Role, label string, opts ...nats.Option) (*nats.Conn, error) {
	name := routing.UserName(role, label)
	opts = append([]nats.Option{nats.Timeout(time.Minute), nats.UserInfo(name, "secret-"+name), nats.CustomInboxPrefix(routing.InboxPrefix(role, label))}, opts...)
	return nats.Connect(url, opts...)
}

// TestShippedCluster has a tenant publish and answer, across three servers.
func TestShippedCluster(t *testing.T) {
	urls := cluster(t)
	conns := map[string]*nats.Conn{}
	for i, u := range fleet() {
		var opts []nats.Option
		if u.Role == routing.RoleEdge { // as a relay hears answers
			opts = append(opts, nats.CustomInboxPrefix(routing.InboxPrefix(u.Role, u.Label)+".up.demo"))
		}
		nc, err := login(urls[i%3], u.Role, u.Label, opts...)
		if err != nil {
			t.Fatalf("%s: %v", u.Name(), err)
		}
		t.Cleanup(nc.Close)
		conns[u.Name()] = nc
	}
	echo := func(user, subject string) {
		t.Helper()
		if _, err := conns[user].Subscribe(subject, func(m *nats.Msg) { _ = m.Respond([]byte(user)) }); err != nil {
			t.Fatal(err)
		}
	}
	echo("router-router-1", routing.PublishAll)
	echo("backend-demo", routing.UpstreamSubject("demo", "*", "*"))
	for _, c := range []struct{ from, subject, want string }{
		{"backend-demo", routing.PublishSubject("demo", "u1", "messages"), "router-router-1"},
		{"edge-edge-2", routing.UpstreamSubject("demo", "orders", "list"), "backend-demo"},
	} {
		if got := request(t, conns[c.from], c.subject); got != c.want {
			t.Errorf("%s: %s was answered by %q", c.from, c.subject, got)
		}
	}
	if got := request(t, conns["monitor-nats"], "$SYS.REQ.SERVER.PING.VARZ"); !strings.Contains(got, "nats-") {
		t.Errorf("the monitor heard %.80q", got)
	}
}

// request asks until somebody answers: the servers have just met.
func request(t *testing.T, nc *nats.Conn, subject string) string {
	t.Helper()
	var err error
	for range 200 {
		var m *nats.Msg
		if m, err = nc.Request(subject, nil, time.Second); err == nil {
			return string(m.Data)
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatalf("%s: %v", subject, err)
	return ""
}

func TestStrangersAreRefused(t *testing.T) {
	url := cluster(t)[0]
	for name, opts := range map[string][]nats.Option{
		"nobody":                          nil,
		"wrong password":                  {nats.UserInfo("edge-edge-1", "x")},
		"hash as the password of another": {nats.UserInfo("edge-edge-3", "secret-edge-edge-1")},
	} {
		if nc, err := nats.Connect(url, opts...); err == nil {
			nc.Close()
			t.Errorf("%s is let in", name)
		}
	}
}

// TestTenantLimits: a tenant's connections, subscriptions and messages are
// bounded, and those of others are not touched by it.
func TestTenantLimits(t *testing.T) {
	url := cluster(t)[0]
	var last error
	for range natsconf.MaxTenantConnections + 1 {
		nc, err := login(url, routing.RoleBackend, "demo")
		if last = err; err != nil {
			break
		}
		t.Cleanup(nc.Close)
	}
	if last == nil || !strings.Contains(last.Error(), "maximum account active connections exceeded") {
		t.Errorf("connection %d: %v", natsconf.MaxTenantConnections+1, last)
	}
	nc, err := login(url, routing.RoleEdge, "edge-1")
	if err != nil {
		t.Fatalf("an edge is refused: %v", err)
	}
	nc.Close()
}

func TestTenantSubscriptionsAndPayload(t *testing.T) {
	url := cluster(t)[0]
	said := make(chan error, 1000)
	nc, err := login(url, routing.RoleBackend, "demo", nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { said <- err }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	for i := range natsconf.MaxTenantSubscriptions + 1 {
		if _, err := nc.SubscribeSync(fmt.Sprintf("hawser.v1.up.demo.x.%d", i)); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case err := <-said:
		if !strings.Contains(err.Error(), "maximum subscriptions exceeded") {
			t.Error(err)
		}
	case <-time.After(time.Minute):
		t.Error("subscriptions are not bounded")
	}
	if nc.MaxPayload() != natsconf.MaxTenantPayload {
		t.Errorf("a message may have %d bytes", nc.MaxPayload())
	}
}

func TestRefused(t *testing.T) {
	u := routing.User{Role: routing.RoleEdge, Label: "hk1", Password: "x"}
	for name, list := range map[string][]routing.User{
		"nobody":      nil,
		"twice":       {u, u},
		"no password": {{Role: routing.RoleEdge, Label: "hk1"}},
		"wildcard":    {{Role: routing.RoleEdge, Label: "*", Password: "x"}},
		"role":        {{Role: "root", Label: "hk1", Password: "x"}},
		"tenant":      {{Role: routing.RoleEdge, Label: "hk1", Password: "x", Tenants: []string{">"}}},
	} {
		if _, err := natsconf.Whole(list); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
}
