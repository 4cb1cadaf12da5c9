package natsconf_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/natsconf"
)

// alone starts one server with these users in the form that --out writes.
func alone(t *testing.T, users []routing.User) (dir string, s *server.Server) {
	t.Helper()
	dir = t.TempDir()
	writeFile(t, dir, "server.conf", natsconf.Server())
	writeFile(t, dir, "nats.conf", "listen: \"127.0.0.1:-1\"\ninclude \"server.conf\"\ninclude \"accounts.conf\"\n")
	writeUsers(t, dir, users)
	opts, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	opts.NoLog, opts.NoSigs, opts.JetStream, opts.StoreDir = true, true, true, t.TempDir()
	if s, err = server.NewServer(opts); err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	return dir, s
}

func writeUsers(t *testing.T, dir string, users []routing.User) {
	t.Helper()
	accounts, err := natsconf.Accounts(users)
	if err != nil {
		t.Fatal(err)
	}
	passwords, err := natsconf.Passwords(users)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "accounts.conf", accounts)
	writeFile(t, dir, natsconf.PasswordsFile, passwords)
}

// TestRevoking: without its user, or with another password, an edge is cut
// off by a reload at once, while the others stay connected.
func TestRevoking(t *testing.T) {
	users := fleet()
	for i := range users {
		users[i].Password = "secret-" + users[i].Name()
	}
	for name, change := range map[string]func(){
		"the user is gone":     func() { users = append(users[:1:1], users[2:]...) },
		"the password changed": func() { users[0].Password = "another" },
	} {
		t.Run(name, func(t *testing.T) {
			dir, s := alone(t, users)
			cut, stays := "edge-1", "router-1"
			if name == "the user is gone" {
				cut = "edge-2"
			}
			ended := make(chan error, 1)
			stolen, err := login(s.ClientURL(), routing.RoleEdge, cut, nats.NoReconnect(), nats.ClosedHandler(func(nc *nats.Conn) { ended <- nc.LastError() }))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(stolen.Close)
			other, err := login(s.ClientURL(), routing.RoleRouter, stays)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(other.Close)
			change()
			writeUsers(t, dir, users)
			if err := s.Reload(); err != nil {
				t.Fatal(err)
			}
			select {
			case <-ended:
			case <-time.After(time.Minute):
				t.Error("it stays connected")
			}
			if nc, err := login(s.ClientURL(), routing.RoleEdge, cut); !errors.Is(err, nats.ErrAuthorization) {
				nc.Close()
				t.Errorf("it is let in again: %v", err)
			}
			if !other.IsConnected() || other.Stats().Reconnects != 0 {
				t.Error("another one lost its connection")
			}
		})
	}
}

// TestMonitorHears who is refused, and asks for statistics.
func TestMonitorHears(t *testing.T) {
	users := fleet()
	for i := range users {
		users[i].Password = "secret-" + users[i].Name()
	}
	_, s := alone(t, users)
	monitor, err := login(s.ClientURL(), routing.RoleMonitor, "nats")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(monitor.Close)
	refused, err := monitor.SubscribeSync("$SYS.SERVER.*.CLIENT.AUTH.ERR")
	if err != nil {
		t.Fatal(err)
	}
	if got := request(t, monitor, "$SYS.REQ.SERVER.PING.CONNZ"); !strings.Contains(got, "connections") {
		t.Errorf("connz is %.80q", got)
	}
	if nc, err := nats.Connect(s.ClientURL(), nats.UserInfo("edge-edge-1", "wrong")); err == nil {
		nc.Close()
		t.Error("a wrong password is let in")
	}
	if m, err := refused.NextMsg(time.Minute); err != nil || !strings.Contains(string(m.Data), "edge-edge-1") {
		t.Errorf("the refused login is not told: %v", err)
	}
}

// TestTLS takes the lines of nats.conf that are a comment in it.
func TestTLS(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(shipped, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	var line string
	for _, l := range strings.Split(string(text), "\n") {
		if rest, ok := strings.CutPrefix(l, "#TLS tls {"); ok {
			line = "tls {" + rest
		}
	}
	if line == "" {
		t.Fatal("nats.conf does not show TLS")
	}
	dir := t.TempDir()
	cert, key := certificate(t, dir)
	line = strings.NewReplacer("/etc/nats/nats.pem", cert, "/etc/nats/nats.key", key).Replace(line)
	users := fleet()
	for i := range users {
		users[i].Password = "secret-" + users[i].Name()
	}
	writeUsers(t, dir, users)
	writeFile(t, dir, "nats.conf", "listen: \"127.0.0.1:-1\"\ninclude \"accounts.conf\"\n"+line+"\n")
	opts, err := server.ProcessConfigFile(filepath.Join(dir, "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	opts.NoLog, opts.NoSigs, opts.JetStream, opts.StoreDir = true, true, true, t.TempDir()
	s, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("the server does not start")
	}
	nc, err := login(s.ClientURL(), routing.RoleEdge, "edge-1", nats.RootCAs(cert))
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	if !nc.TLSRequired() {
		t.Error("the server speaks without TLS too")
	}
}
