package main

import (
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/token"
)

func newKey(t *testing.T) (dir string) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "keys")
	if got := cli(t, nil, "token", "--new-key", dir); got.code != exitOK {
		t.Fatalf("%+v", got)
	}
	return dir
}

// verify checks a token with the public half that --new-key wrote.
func verify(t *testing.T, dir, text string) token.Identity {
	t.Helper()
	v, err := token.NewVerifier([]token.Source{{Tenant: "demo", JWKSFile: filepath.Join(dir, publicKeysName)}}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	id, err := v.Verify(strings.TrimSpace(text), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func TestTokenIsAcceptedByTheVerifier(t *testing.T) {
	dir := newKey(t)
	args := []string{"token", "--jwt-key", filepath.Join(dir, privateKeyName), "--tenant", "demo", "--user", "alice", "--device", "phone", "--ttl", "1h"}
	id := verify(t, dir, cli(t, nil, args...).stdout)
	if id.Tenant != "demo" || id.User != "alice" || id.Device != "phone" || time.Until(id.ExpiresAt) > time.Hour {
		t.Errorf("identity = %+v", id)
	}
	var asJSON tokenResult
	if err := json.Unmarshal([]byte(cli(t, nil, append(args, "--json")...).stdout), &asJSON); err != nil {
		t.Fatal(err)
	}
	if asJSON.Schema != "hawser.token/1" || verify(t, dir, asJSON.Token).User != "alice" {
		t.Errorf("json = %+v", asJSON)
	}
	if _, err := time.Parse(time.RFC3339, asJSON.ExpiresAt); err != nil {
		t.Error(err)
	}
}

func TestTokenBesideDev(t *testing.T) {
	keys, dir := newKey(t), t.TempDir()
	if err := (config.DevState{JWTKeyFile: filepath.Join(keys, privateKeyName), Tenant: "demo"}).Save(dir); err != nil {
		t.Fatal(err)
	}
	got := cli(t, []string{"HAWSER_DEV_DIR=" + dir}, "token", "--user", "alice", "--device", "phone")
	if got.code != exitOK || verify(t, keys, got.stdout).Tenant != "demo" {
		t.Errorf("%+v", got)
	}
}

func TestTokenRefusesBadIDs(t *testing.T) {
	dir := newKey(t)
	got := cli(t, nil, "token", "--jwt-key", filepath.Join(dir, privateKeyName), "--tenant", "demo", "--user", "a b", "--device", "phone")
	if got.code != exitUsage || !strings.Contains(got.stderr, "[A-Za-z0-9_-]{1,64}") || got.stdout != "" {
		t.Errorf("%+v", got)
	}
}

func TestNewKeyIsPrivateAndStays(t *testing.T) {
	dir := newKey(t)
	key := filepath.Join(dir, privateKeyName)
	info, err := os.Stat(key)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode().Perm(), err)
	}
	before, _ := os.ReadFile(key)
	if got := cli(t, nil, "token", "--new-key", dir); got.code != exitFailed || !strings.Contains(got.stderr, "choose another directory") {
		t.Errorf("a second key in the same directory: %+v", got)
	}
	if after, _ := os.ReadFile(key); string(after) != string(before) {
		t.Error("the key was replaced")
	}
	if public, _ := os.ReadFile(filepath.Join(dir, publicKeysName)); strings.Contains(string(public), `"d"`) {
		t.Error("the public file holds the private half")
	}
}
