package node

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/embednats"
)

// A push process whose clock is not NATS's says so, in the log once and in /readyz
// until they agree again.
func TestPushClock(t *testing.T) {
	server, err := embednats.Start(embednats.Options{Dir: t.TempDir(), Users: []routing.User{
		{Role: routing.RoleRouter, Label: "r1", Password: "r"}, {Role: routing.RolePush, Label: "p1", Password: "p"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	streams := func(role routing.Role, label string) jetstream.JetStream {
		nc, err := server.Connect(role, label)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		if err != nil {
			t.Fatal(err)
		}
		return js
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := routing.EnsureStreams(ctx, streams(routing.RoleRouter, "r1"), routing.StreamOptions{}); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	c := newPushClock(parts{log: slog.New(slog.NewTextHandler(&log, nil)), registry: prometheus.NewRegistry()}, streams(routing.RolePush, "p1"))
	for _, step := range []struct {
		off   time.Duration
		words string // empty: none at all
	}{
		{0, ""}, {2 * time.Hour, "ahead of NATS's"}, {2 * time.Hour, "ahead of NATS's"}, {-2 * time.Hour, "behind NATS's"}, {0, ""},
	} {
		c.now = func() time.Time { return time.Now().Add(step.off) }
		c.compare(ctx)
		// It is what it is at least: NATS may take a while to answer.
		if d := c.difference(); (d-step.off).Abs() > time.Minute || d.Abs() > step.off.Abs() {
			t.Errorf("%v off: the difference is %v", step.off, d)
		}
		if got := c.words(); !strings.Contains(got, step.words) || (got == "") != (step.words == "") {
			t.Errorf("%v off: %q, want %q", step.off, got, step.words)
		}
	}
	if got := log.String(); strings.Count(got, "level=ERROR") != 1 || strings.Count(got, "agree again") != 1 {
		t.Errorf("the log has\n%s", got)
	}
}
