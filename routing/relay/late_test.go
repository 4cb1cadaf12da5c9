package relay_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/micro"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric/metrictest"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/relay"
)

// An answer after the device's deadline is counted and given to nobody, not
// even to the same device's next call.
func TestLateAnswer(t *testing.T) {
	reg := prometheus.NewRegistry()
	s, r := newRelay(t, func(c *relay.Config) { c.Registerer = reg })
	gone := make(chan struct{})
	service(t, s.Conn(routing.RoleBackend, "acme"), "acme", map[string]micro.HandlerFunc{
		"late": func(req micro.Request) { <-gone; _ = req.Respond([]byte("late")) },
		"next": func(req micro.Request) { _ = req.Respond([]byte("next")) },
	})
	if err := callFor(t, r, call("late", ""), 50*time.Millisecond); status(err) != wire.StatusDeadline {
		t.Fatalf("%v", err)
	}
	close(gone)
	if body, err := r.Call(t.Context(), call("next", "")); err != nil || string(body) != "next" {
		t.Errorf("%q, %v", body, err)
	}
	dropped := func() float64 { return metrictest.Value(t, reg, "hawser_relay_dropped_replies_total") }
	for start := time.Now(); dropped() != 1; time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("%v answers were dropped, want the late one", dropped())
		}
	}
}
