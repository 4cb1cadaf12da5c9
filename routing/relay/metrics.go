package relay

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing/replies"
)

// metrics of a Relay.
type metrics struct {
	calls    *prometheus.CounterVec
	repeated prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, mux *replies.Mux) *metrics {
	p := metric.For(reg, "relay")
	p.GaugeFunc("calls_open", "Upstream calls that wait for an answer.",
		func() float64 { return float64(mux.Pending()) })
	p.CounterFunc("dropped_replies_total", "Answers of services that came too late or twice.",
		func() float64 { return float64(mux.Dropped()) })
	return &metrics{
		calls: p.CounterVec("calls_total", "Upstream calls of devices, by the status of the answer.",
			metric.By("status", metric.Names(wire.Statuses())...)),
		repeated: p.Counter("repeated_syncs_total", "Syncs that were asked again because nobody answered."),
	}
}
