package relay

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// Reasons why a call was not sent.
const (
	refusedCutOff = "cut_off"
	refusedShare  = "share"
	refusedFull   = "full"
	refusedGate   = "service_down"
)

// metrics of a Relay.
type metrics struct {
	calls    *prometheus.CounterVec
	refused  *prometheus.CounterVec
	repeated prometheus.Counter
	spared   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, r *Relay) *metrics {
	p := metric.For(reg, "relay")
	p.GaugeFunc("calls_open", "Upstream calls that wait for an answer.",
		func() float64 { return float64(r.mux.Pending()) })
	p.GaugeFunc("services_down", "Services that do not answer and that calls are kept away from.",
		func() float64 { return float64(r.gates.down()) })
	p.CounterFunc("dropped_replies_total", "Answers of services that came too late or twice.",
		func() float64 { return float64(r.mux.Dropped()) })
	return &metrics{
		calls: p.CounterVec("calls_total", "Upstream calls of devices, by the status of the answer.",
			metric.By("status", metric.Names(wire.Statuses())...)),
		refused: p.CounterVec("refused_total", "Upstream calls that were not sent, by reason.",
			metric.By("reason", refusedCutOff, refusedShare, refusedFull, refusedGate)),
		repeated: p.Counter("repeated_calls_total", "Syncs and idempotent calls that were asked again because nobody answered."),
		spared:   p.Counter("repeats_spared_total", "Repeats that were not sent because too many calls were being repeated: who is asked has too much to do."),
	}
}
