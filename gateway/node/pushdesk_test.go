package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// Who looks for pushes while NATS is away reads where to look first, and not
// that a login failed.
func TestPushDeskWithoutNATS(t *testing.T) {
	deskFails(t, "nats://127.0.0.1:1", "no server of nats.urls answers")
}

// Who is refused reads what the servers must have.
func TestPushDeskRefused(t *testing.T) {
	user := routing.User{Role: routing.RolePush, Label: "push-1", Password: "another"}
	server, err := embednats.Start(embednats.Options{Dir: t.TempDir(), Users: []routing.User{user}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	deskFails(t, server.URL(), "hawser config nats")
}

// deskFails wants a desk at a server to fail, in words that say so.
func deskFails(t *testing.T, url, words string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Name: "push-1", Roles: []config.Role{config.RolePush}}
	cfg.NATS.URLs = []string{url}
	cfg.NATS.Users.Push = config.NATSUser{User: "push-push-1", PasswordFile: config.SecretFile(file)}
	desk, err := node.OpenPushDesk(cfg)
	if err == nil {
		desk.Close()
		t.Fatalf("%s lets it in", url)
	}
	if !strings.Contains(err.Error(), words) {
		t.Errorf("%v: want %q in it", err, words)
	}
}
