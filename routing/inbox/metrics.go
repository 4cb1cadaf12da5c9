package inbox

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/routing/replies"
)

type metrics struct {
	retries prometheus.Counter
	stale   prometheus.Counter
	foreign prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, mux *replies.Mux) *metrics {
	m := &metrics{
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hawser_inbox_retries_total", Help: "Reads of the inbox log that were tried again."}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hawser_inbox_stale_answers_total", Help: "Answers of replicas that lagged behind what was known to be stored."}),
		foreign: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hawser_inbox_foreign_messages_total", Help: "Messages in the log that the publisher did not write; skipped."}),
	}
	if reg != nil {
		reg.MustRegister(m.retries, m.stale, m.foreign, prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "hawser_inbox_dropped_replies_total", Help: "Answers that came after their request was given up.",
		}, func() float64 { return float64(mux.Dropped()) }))
	}
	return m
}

type syncMetrics struct {
	results *prometheus.CounterVec
}

func newSyncMetrics(reg prometheus.Registerer) *syncMetrics {
	m := &syncMetrics{results: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "hawser_sync_requests_total", Help: "Sync requests of devices by result."}, []string{"result"})}
	if reg != nil {
		reg.MustRegister(m.results)
	}
	return m
}
