package node_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/node"
)

// Who looks for pushes while NATS is away reads where to look first, and not
// that a login failed.
func TestPushDeskWithoutNATS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := &config.Config{Name: "push-1", Roles: []config.Role{config.RolePush}}
	cfg.NATS.URLs = []string{"nats://127.0.0.1:1"}
	cfg.NATS.Users.Push = config.NATSUser{User: "push-push-1", PasswordFile: config.SecretFile(file)}
	desk, err := node.OpenPushDesk(cfg)
	if err == nil {
		desk.Close()
		t.Fatal("port 1 answers as NATS")
	}
	if !strings.Contains(err.Error(), "no server of nats.urls answers") {
		t.Error(err)
	}
}
