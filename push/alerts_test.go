package push

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
)

// advised is a provider that says what its answers mean.
type advised struct{ *provider }

func (advised) Check(context.Context) Diagnosis { return Diagnosis{} }

func (advised) Explain(r Result) Diagnosis {
	return Diagnosis{Reason: r.Reason, Problem: "Look at " + r.Reason + ".", Remedy: "Mend it."}
}

// A storm of rejected tokens is told to the operator once, with what is probably
// wrong, and shown for as long as it lasts. No token goes, and every push is made
// in the end.
func TestFrozenApplicationRaisesAnAlert(t *testing.T) {
	var logged bytes.Buffer
	reg, app := prometheus.NewRegistry(), AppKey{"acme", IOS, "app"}
	run(t, func(c *Config) {
		c.Registerer, c.Log = reg, slog.New(slog.NewTextHandler(&lockedWriter{w: &logged}, nil))
		c.Apps[app] = advised{c.Apps[app].(*provider)}
	}, func(b *bench) {
		b.tokens = map[string]string{}
		for i := range 50 {
			b.tokens[fmt.Sprintf("d%d", i+1)] = fmt.Sprint("token of ", i)
		}
		b.app.set(always(badToken))
		all := b.devices(50)
		pass(time.Hour)
		b.wantFrozen(reg, app)
		b.wantEvents()
		if n := len(b.app.messages()); n > 50*6 {
			t.Errorf("%d attempts in an hour at 50 devices, want one each quarter of it", n)
		}
		b.app.set(always(Result{}))
		pass(time.Hour)
		b.wantFrozen(reg)
		if n := done(all); n != 50 {
			t.Errorf("%d of 50 pushed in the end", n)
		}
	})
	wantLine(t, &logged, "rejects too many", "level=ERROR", "app=app", "Look at BadDeviceToken. Mend it.")
	wantLine(t, &logged, "takes an application's pushes again", "level=INFO", "app=app")
	if strings.Contains(logged.String(), "token of") {
		t.Error("the log has tokens")
	}
}

// wantFrozen checks what the worker and its metric say of frozen applications.
func (b *bench) wantFrozen(reg *prometheus.Registry, want ...AppKey) {
	b.t.Helper()
	if got := b.worker.Frozen(); !slices.Equal(got, want) {
		b.t.Errorf("frozen %v, want %v", got, want)
	}
	if got := metrictest.Value(b.t, reg, "hawser_push_frozen_apps"); got != float64(len(want)) {
		b.t.Errorf("the metric says %v, want %d", got, len(want))
	}
}

// A push service that refuses an application is told to the operator once, and
// shown until it takes pushes again.
func TestRefusedApplicationRaisesAnAlert(t *testing.T) {
	var logged bytes.Buffer
	reg, app := prometheus.NewRegistry(), AppKey{"acme", IOS, "app"}
	run(t, func(c *Config) {
		c.Registerer, c.Log = reg, slog.New(slog.NewTextHandler(&lockedWriter{w: &logged}, nil))
		c.Apps[app] = advised{c.Apps[app].(*provider)}
	}, func(b *bench) {
		b.app.set(always(Result{Verdict: PauseApp, Reason: "InvalidProviderToken"}))
		all := b.devices(30)
		pass(10 * time.Minute)
		if got := b.worker.Stopped(); len(got) != 1 || got[app] != "InvalidProviderToken" {
			t.Errorf("stopped: %v", got)
		}
		if got := metrictest.Value(t, reg, "hawser_push_paused_apps"); got != 1 {
			t.Errorf("%v paused applications, want 1", got)
		}
		b.app.set(always(Result{}))
		pass(time.Hour)
		if got := b.worker.Stopped(); len(got) != 0 {
			t.Errorf("stopped in the end: %v", got)
		}
		if got := metrictest.Value(t, reg, "hawser_push_paused_apps"); got != 0 {
			t.Errorf("%v paused applications in the end", got)
		}
		if n := done(all); n != 30 {
			t.Errorf("%d of 30 pushed in the end", n)
		}
	})
	wantLine(t, &logged, "refuses an application", "level=ERROR", "app=app", "reason=InvalidProviderToken",
		"Look at InvalidProviderToken. Mend it.")
	wantLine(t, &logged, "application sends again", "level=INFO", "app=app")
}

// So is an application that devices have and push.apps has not, once a minute.
func TestUnknownApplicationRaisesAnAlert(t *testing.T) {
	var logged bytes.Buffer
	run(t, func(c *Config) {
		c.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: &logged}, nil))
	}, func(b *bench) {
		b.set(func(w *world) { w.record.App = "missing" })
		b.devices(30)
		pass(50 * time.Second)
	})
	wantLine(t, &logged, "no push provider is configured", "level=ERROR", "app=missing")
}

// wantLine wants one line of the log with a piece, and all of the words on it.
func wantLine(t *testing.T, logged *bytes.Buffer, piece string, words ...string) {
	t.Helper()
	var lines []string
	for l := range strings.Lines(logged.String()) {
		if strings.Contains(l, piece) {
			lines = append(lines, l)
		}
	}
	if len(lines) != 1 {
		t.Fatalf("%d lines %q, want one: %q", len(lines), piece, lines)
	}
	for _, w := range words {
		if !strings.Contains(lines[0], w) {
			t.Errorf("%q is missing in %s", w, lines[0])
		}
	}
}
