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
	"github.com/hawser-edge/hawser/routing/embednats/natstest"
)

// A push process whose clock is not NATS's says so, in the log once and in /readyz
// until they agree again.
func TestPushClock(t *testing.T) {
	srv := natstest.Run(t, routing.User{Role: routing.RoleRouter, Label: "r1"}, routing.User{Role: routing.RolePush, Label: "p1"})
	srv.JetStream("r1", routing.StreamOptions{})
	js, err := jetstream.New(srv.Conn(routing.RolePush, "p1"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var log bytes.Buffer
	c := newPushClock(parts{log: slog.New(slog.NewTextHandler(&log, nil)), registry: prometheus.NewRegistry()}, js)
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
