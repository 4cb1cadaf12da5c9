package inbox

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// metrics of a Reader.
type metrics struct {
	retries prometheus.Counter
	stale   prometheus.Counter
	foreign prometheus.Counter
	tailed  prometheus.Counter
}

func newMetrics(reg prometheus.Registerer, r *Reader) *metrics {
	p := metric.For(reg, "inbox")
	p.CounterFunc("dropped_replies_total", "Answers that came after their request was given up.",
		func() float64 { return float64(r.dropped()) })
	p.GaugeFunc("places", "Reads of the inbox log that may be under way at once; fewer, the slower the log answers.",
		func() float64 { places, _ := r.gate.state(); return float64(places) })
	p.GaugeFunc("waiting_reads", "Reads of the inbox log that wait for a place.",
		func() float64 { _, waiting := r.gate.state(); return float64(waiting) })
	return &metrics{
		retries: p.Counter("retries_total", "Reads of the inbox log that were tried again."),
		stale:   p.Counter("stale_answers_total", "Answers of replicas that lagged behind what was known to be stored."),
		tailed:  p.Counter("tail_answers_total", "Syncs that were answered from what the router remembers of the log's end."),
		foreign: p.Counter("foreign_messages_total", "Messages in the log that the publisher did not write; skipped."),
	}
}

// syncUnsafe counts requests that could not be answered, as a result beside
// the statuses.
const syncUnsafe = "unsafe_reply"

// newSyncMetrics counts the requests of a Responder.
func newSyncMetrics(reg prometheus.Registerer) *prometheus.CounterVec {
	return metric.For(reg, "sync").CounterVec("requests_total", "Sync requests of devices, by the status of the answer.",
		metric.By("result", append(metric.Names(wire.Statuses()), syncUnsafe)...))
}
