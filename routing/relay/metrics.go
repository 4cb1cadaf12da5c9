package relay

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/routing/replies"
)

type metrics struct {
	calls    *prometheus.CounterVec
	repeated prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, mux *replies.Mux) *metrics {
	m := &metrics{
		calls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hawser_relay_calls_total", Help: "Upstream calls of devices by status."}, []string{"status"}),
		repeated: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hawser_relay_repeated_syncs_total", Help: "Syncs that were asked again because nobody answered."}),
	}
	if reg == nil {
		return m
	}
	reg.MustRegister(m.calls, m.repeated,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hawser_relay_calls_open", Help: "Upstream calls that wait for an answer."},
			func() float64 { return float64(mux.Pending()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "hawser_relay_dropped_replies_total", Help: "Answers of services that came too late or twice."},
			func() float64 { return float64(mux.Dropped()) }))
	return m
}
