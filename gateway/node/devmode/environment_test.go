package devmode

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/routing"
)

func TestEnvironmentServesAFleet(t *testing.T) {
	all := Node{
		Name: "dev", Roles: []string{"edge", "router", "push"},
		Listen: "127.0.0.1:7443", API: "127.0.0.1:7480", Admin: "127.0.0.1:7490", AckWait: "3s",
	}
	env, err := New(Options{Dir: t.TempDir(), Nodes: []Node{all}})
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close()

	path, err := env.WriteConfig(all)
	if err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(path, nil)
	if err != nil {
		t.Fatalf("the configuration that dev mode writes is refused: %v", err)
	}
	if got := cfg.Router.AckWait; got != 3*time.Second {
		t.Errorf("ack_wait = %v, want 3s", got)
	}
	checkToken(t, env, cfg)
	checkUsers(t, env)
	checkSecrets(t, env, path)
}

func checkToken(t *testing.T, env *Environment, cfg *config.Config) {
	t.Helper()
	jwt, err := env.Token("demo", "alice", "phone")
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := token.NewVerifier([]token.Source{{Tenant: "demo", JWKSFile: string(cfg.Tenants[0].JWKSFiles[0])}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if id, err := verifier.Verify(jwt, time.Now()); err != nil || id.User != "alice" {
		t.Errorf("the edge's key file does not verify a token of the environment: %+v, %v", id, err)
	}
}

// checkUsers logs in as each role and sees that nobody else can.
func checkUsers(t *testing.T, env *Environment) {
	t.Helper()
	for _, role := range []routing.Role{routing.RoleEdge, routing.RoleRouter, routing.RolePush} {
		u, err := env.User(role, "dev")
		if err != nil {
			t.Fatal(err)
		}
		nc, err := nats.Connect(env.NATSURL, nats.UserInfo(u.Name(), u.Password))
		if err != nil {
			t.Errorf("%s cannot log in: %v", u.Name(), err)
			continue
		}
		nc.Close()
	}
	if _, err := nats.Connect(env.NATSURL); err == nil {
		t.Error("the embedded server lets a client in that gives no password")
	}
}

// checkSecrets sees that secrets stand in files of their own, for the owner.
func checkSecrets(t *testing.T, env *Environment, configFile string) {
	t.Helper()
	text, err := os.ReadFile(configFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"demo.api-key", "nats-edge-dev.password", "ticket.key"} {
		secret, err := os.ReadFile(env.Path(name))
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), string(secret)) {
			t.Errorf("the configuration holds the secret of %s", name)
		}
		if info, err := os.Stat(env.Path(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others: %v, %v", name, info.Mode(), err)
		}
	}
}

func TestStartNeedsAProgram(t *testing.T) {
	if _, err := Start(context.Background(), t.TempDir()+"/missing", "none.yaml", "node", t.TempDir()); err == nil {
		t.Error("a program that does not exist was started")
	}
}

// TestWhatProcessesSayIsKept has a process say a secret and looks for it where
// CI does.
func TestWhatProcessesSayIsKept(t *testing.T) {
	kept := t.TempDir()
	t.Setenv(saidEnv, kept)
	env, err := New(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	env.Close()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p, err := StartProgram(t.Context(), "leaky", env.Dir, self, "-test.run=no such test", "-test.v")
	if err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if err := KeepPages("edge-1", map[string][]byte{"/connz?auth=true": []byte("a page")}); err != nil {
		t.Fatal(err)
	}
	pages, _ := filepath.Glob(filepath.Join(kept, "*-edge-1-connz.log"))
	if len(pages) != 1 {
		t.Fatalf("kept are the pages %v, want one", pages)
	}
	if text, err := os.ReadFile(pages[0]); err != nil || string(text) != "a page" {
		t.Errorf("the kept page is %q, %v", text, err)
	}
	logs, _ := filepath.Glob(filepath.Join(kept, "*-leaky.log"))
	secrets, _ := filepath.Glob(filepath.Join(kept, secretsPattern))
	if len(logs) != 1 || len(secrets) != 1 {
		t.Fatalf("kept are the logs %v and the secrets %v, want one of each", logs, secrets)
	}
	if text, err := os.ReadFile(logs[0]); err != nil || !strings.Contains(string(text), "PASS") {
		t.Errorf("the kept log is %q, %v", text, err)
	}
	text, err := os.ReadFile(secrets[0])
	if err != nil {
		t.Fatal(err)
	}
	var all map[string][]byte
	if err := json.Unmarshal(text, &all); err != nil || len(all["the secret of demo.api-key"]) == 0 || len(all["the secret of demo.jwk"]) == 0 {
		t.Errorf("the kept secrets are %d, without the tenant's: %v", len(all), err)
	}
}
