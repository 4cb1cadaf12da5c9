package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const routerConfig = `version: 1
name: r1
roles: [router]
nats:
  urls: [nats://127.0.0.1:4222]
  users: {router: {password_file: nats.password}}
tenants: [{name: demo, jwks_files: [jwks.json], kinds: {messages: {}}}]
`

func writeConfig(t *testing.T, content string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"nats.password": "hunter2", "jwks.json": "{}", "hawser.yaml": content} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(dir, "hawser.yaml")
}

func TestConfigCheckShowsWhatTakesEffect(t *testing.T) {
	file := writeConfig(t, routerConfig)
	got := cli(t, []string{"HAWSER_ROUTER_API_LISTEN=:9480"}, "config", "check", file)
	if got.code != exitOK || got.stderr != "" {
		t.Fatalf("%+v", got)
	}
	for _, want := range []string{"listen: :9480", "dedup_window: 2m0s", "password_file: (from file " + filepath.Join(filepath.Dir(file), "nats.password") + ")"} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("stdout lacks %q:\n%s", want, got.stdout)
		}
	}
	if strings.Contains(got.stdout, "hunter2") {
		t.Error("the password is shown")
	}
}

func TestConfigCheckSaysEverythingAtOnce(t *testing.T) {
	file := writeConfig(t, strings.NewReplacer("r1", "r 1", "nats://", "ftp://").Replace(routerConfig))
	got := cli(t, nil, "config", "check", file)
	want := file + ":2: name: \"r 1\" must match [A-Za-z0-9_-]{1,64}\n" +
		file + ":5: nats.urls[0]: begins with \"ftp\": it must be nats, tls, ws or wss\n"
	if got.code != exitFailed || got.stderr != want || got.stdout != "" {
		t.Errorf("%+v, want code 1 and\n%s", got, want)
	}
}
