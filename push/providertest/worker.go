package providertest

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/push"
)

const tenant = "acme"

// Worker is a running worker with one application and a System around it.
type Worker struct {
	*System
	worker  *push.Worker
	metrics *prometheus.Registry
}

// NewWorker starts a worker that sends through p and ends with the test.
// sendTimeout bounds one attempt; 0 is the worker's default.
func NewWorker(t *testing.T, platform, app string, p push.Provider, sendTimeout time.Duration) *Worker {
	t.Helper()
	key := push.AppKey{Tenant: tenant, Platform: platform, App: app}
	s := &System{key: key, records: map[string]push.Record{}}
	metrics := prometheus.NewRegistry()
	w, err := push.NewWorker(push.Config{
		Presence: s, Records: s, Heads: s, Events: s,
		Policy: func(string, string) push.Defaults { return push.Defaults{Title: "New message"} },
		Apps:   map[push.AppKey]push.Provider{key: p},
		Gather: time.Millisecond, GatherHigh: time.Millisecond, SendTimeout: sendTimeout,
		ConfirmGone: time.Nanosecond, ConfirmSuspect: time.Nanosecond,
		Log: slog.New(slog.DiscardHandler), Registerer: metrics,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = w.Run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return &Worker{s, w, metrics}
}

// Waits reports whether the application's pushes wait: its breaker is open.
func (w *Worker) Waits(t *testing.T) bool {
	t.Helper()
	families, err := w.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "hawser_push_app_breaker_state" {
			return f.GetMetric()[0].GetGauge().GetValue() != 0
		}
	}
	t.Fatal("no metric of the breaker")
	return false
}

// Handle gives the worker a job for a device.
func (w *Worker) Handle(t *testing.T, device string, version int64) Outcome {
	t.Helper()
	o := make(Outcome, 2)
	w.worker.Handle(push.Job{
		Tenant: tenant, User: "u1", Device: device, Kind: "messages",
		Version: version, EventAt: time.Now(), Urgency: push.Normal,
	}, o)
	return o
}

// Settled is how a delivery ended: "drop", "done", "retry", "hold" or
// "dead <reason>".
type Settled struct {
	How string
	// After is the wait that a retry or a hold asked for.
	After time.Duration
}

// Outcome is a delivery that can be waited for.
type Outcome chan Settled

// Current implements push.Delivery.
func (o Outcome) Current(context.Context) (bool, error) { return true, nil }

// Drop implements push.Delivery.
func (o Outcome) Drop() { o <- Settled{How: "drop"} }

// Done implements push.Delivery.
func (o Outcome) Done() { o <- Settled{How: "done"} }

// Retry implements push.Delivery.
func (o Outcome) Retry(after time.Duration) { o <- Settled{How: "retry", After: after} }

// Hold implements push.Delivery.
func (o Outcome) Hold(until time.Time, _ int, _, _ string) {
	o <- Settled{How: "hold", After: time.Until(until)}
}

// Postpone implements push.Delivery.
func (o Outcome) Postpone(until time.Time) (recall func()) {
	o <- Settled{How: "hold", After: time.Until(until)}
	return func() {}
}

// Dead implements push.Delivery.
func (o Outcome) Dead(_, reason string) { o <- Settled{How: "dead " + reason} }

// Wait returns once the delivery is settled.
func (o Outcome) Wait(t *testing.T) Settled {
	t.Helper()
	select {
	case got := <-o:
		return got
	case <-time.After(patience):
		t.Fatal("not settled")
		return Settled{}
	}
}

// Want waits until the delivery is settled, and expects "done", "retry", which a
// hold is too, "hold" or "dead <reason>".
func (o Outcome) Want(t *testing.T, how string) {
	t.Helper()
	if got := o.Wait(t); got.How != how && (got.How != "hold" || how != "retry") {
		t.Errorf("got %q, want %q", got.How, how)
	}
}
