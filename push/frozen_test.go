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
	for line, want := range map[string]string{"rejects too many": "level=ERROR", "takes an application's pushes again": "level=INFO"} {
		var lines []string
		for l := range strings.Lines(logged.String()) {
			if strings.Contains(l, line) {
				lines = append(lines, l)
			}
		}
		if len(lines) != 1 || !strings.Contains(lines[0], want) || !strings.Contains(lines[0], "app=app") {
			t.Errorf("%d lines %q, want one of %s that names the application: %q", len(lines), line, want, lines)
		}
	}
	if !strings.Contains(logged.String(), "Look at BadDeviceToken. Mend it.") {
		t.Errorf("nothing says what is probably wrong:\n%s", &logged)
	}
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
	families, err := reg.Gather()
	if err != nil {
		b.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "hawser_push_frozen_apps" && f.GetMetric()[0].GetGauge().GetValue() != float64(len(want)) {
			b.t.Errorf("the metric says %v, want %d", f.GetMetric()[0].GetGauge(), len(want))
		}
	}
}
