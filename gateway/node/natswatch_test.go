package node

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/config"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// A wrong password is said once, is no reason to give up, and is put right in
// its file without a restart.
func TestWrongNATSPassword(t *testing.T) {
	user := routing.User{Role: routing.RoleEdge, Label: "e1", Password: "the right password"}
	server, err := embednats.Start(embednats.Options{Dir: t.TempDir(), Users: []routing.User{user}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	file := filepath.Join(t.TempDir(), "password")
	write := func(password string) {
		if err := os.WriteFile(file, []byte(password), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a wrong password")

	var log lockedBuffer
	cfg := &config.Config{Name: "e1"}
	cfg.NATS.URLs = []string{server.URL()}
	cfg.NATS.Users.Edge = config.NATSUser{User: user.Name(), PasswordFile: config.SecretFile(file)}
	nc, watch, err := connectNATS(parts{
		cfg: cfg, registry: prometheus.NewRegistry(), log: slog.New(slog.NewJSONHandler(&log, nil)),
	}, config.RoleEdge)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = watch.run(ctx) })
	defer running.Wait()
	defer cancel()

	until(t, "the refusal is logged", func() bool { return strings.Contains(log.String(), "NATS refuses this user") })
	if err := watch.away(); err == nil || !strings.Contains(err.Error(), "Authorization") {
		t.Errorf("/readyz would say %v", err)
	}
	// More attempts follow, none of them is worth a line.
	until(t, "more attempts", func() bool { return nc.Stats().Reconnects >= 3 })
	if n := strings.Count(log.String(), "\n"); n != 1 {
		t.Errorf("%d lines, want 1:\n%s", n, log.String())
	}
	if strings.Contains(log.String(), "a wrong password") {
		t.Error("the password is in the log")
	}
	write(user.Password)
	until(t, "it connects", nc.IsConnected)
	if err := watch.away(); err != nil {
		t.Error(err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited too long until %s", what)
		}
	}
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
