package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// TestConfigNATSLetsTheRolesIn starts a real server with what the command
// prints, as an operator would.
func TestConfigNATSLetsTheRolesIn(t *testing.T) {
	file := writeConfig(t, routerConfig)
	dir := filepath.Dir(file)
	backend := filepath.Join(dir, "backend.password")
	if err := os.WriteFile(backend, []byte("secret-of-demo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	got := cli(t, nil, "config", "nats", "--backend", "demo="+backend, file)
	if got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	if strings.Contains(got.stdout, "hunter2") || strings.Contains(got.stdout, "secret-of-demo") {
		t.Error("a password is printed as it is")
	}
	url := natsServer(t, filepath.Join(dir, "nats.conf"), got.stdout)
	for user, password := range map[string]string{"router-r1": "hunter2", "backend-demo": "secret-of-demo"} {
		nc, err := logIn(url, user, password)
		if err != nil {
			t.Errorf("%s is not let in: %v", user, err)
			continue
		}
		nc.Close()
	}
	if nc, err := logIn(url, "router-r1", "wrong"); err == nil {
		nc.Close()
		t.Error("a wrong password is let in")
	}
}

// TestConfigNATSOut keeps what is secret in a file of its own.
func TestConfigNATSOut(t *testing.T) {
	file := writeConfig(t, routerConfig)
	dir := filepath.Dir(file)
	password := filepath.Join(dir, "some.password")
	if err := os.WriteFile(password, []byte("secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for range 2 { // the second time it replaces
		got := cli(t, nil, "config", "nats", "--out", out, "--backend", "demo="+password, "--monitor", "m="+password, "--operator", "o="+password, file)
		if got.code != exitOK || got.stdout != "" {
			t.Fatalf("%+v", got)
		}
	}
	accounts, err := os.ReadFile(filepath.Join(out, "accounts.conf"))
	if err != nil || strings.Contains(string(accounts), "$2a$") {
		t.Errorf("a hash is in the accounts, or %v", err)
	}
	url := natsServer(t, filepath.Join(out, "nats.conf"), "include \"server.conf\"\ninclude \"accounts.conf\"\n")
	for user, password := range map[string]string{"router-r1": "hunter2", "backend-demo": "secret", "monitor-m": "secret", "operator-o": "secret"} {
		nc, err := logIn(url, user, password)
		if err != nil {
			t.Errorf("%s is not let in: %v", user, err)
			continue
		}
		nc.Close()
	}
	if entries, err := os.ReadDir(out); err != nil || len(entries) != 4 {
		t.Errorf("%v, %v: want three files and the one of the test", entries, err)
	}
}

// logIn tries for as long as the server neither lets the user in nor refuses
// it: where it compares a hash for seconds the client takes its first ping for
// a wrong answer.
func logIn(url, user, password string) (nc *nats.Conn, err error) {
	for range 20 {
		nc, err = nats.Connect(url, nats.UserInfo(user, password), nats.Timeout(time.Minute))
		if err == nil || errors.Is(err, nats.ErrAuthorization) {
			break
		}
	}
	return nc, err
}

func natsServer(t *testing.T, file, authorization string) (url string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("listen: 127.0.0.1:-1\n"+authorization), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(file)
	if err != nil {
		t.Fatalf("nats-server does not read what the command prints: %v", err)
	}
	opts.NoLog, opts.NoSigs = true, true
	// A hash takes its time where many tests share a core. The client reads a ping
	// that comes before the answer to its login for a refusal.
	opts.AuthTimeout, opts.PingInterval, opts.DisableShortFirstPing = 60, 2*time.Minute, true
	ns, err := server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	ns.Start()
	t.Cleanup(func() { ns.Shutdown(); ns.WaitForShutdown() })
	if !ns.ReadyForConnections(time.Minute) {
		t.Fatal("nats-server does not start")
	}
	return ns.ClientURL()
}

func TestConfigNATSRefuses(t *testing.T) {
	file := writeConfig(t, strings.Replace(routerConfig, "{password_file", "{user: somebody, password_file", 1))
	for _, tc := range []struct {
		name string
		args []string
		code exit
		want string
	}{
		{"no file", nil, exitUsage, "FILE is missing"},
		{"another user's name", []string{file}, exitFailed, `nats.users.router.user is "somebody": leave it out, the rights belong to "router-r1"`},
		{"backend without a file", []string{"--backend", "demo", file}, exitUsage, "must be TENANT=PASSWORD_FILE"},
		{"a file that is not there", []string{"missing.yaml"}, exitFailed, "missing.yaml"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := cli(t, nil, append([]string{"config", "nats"}, tc.args...)...)
			if got.code != tc.code || !strings.Contains(got.stderr, tc.want) {
				t.Errorf("%+v, want code %d and %q", got, tc.code, tc.want)
			}
		})
	}
}
