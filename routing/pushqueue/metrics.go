package pushqueue

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

// metrics of a consumption.
type metrics struct {
	deliveries, redeliveries prometheus.Counter
	malformed, fetchErrors   prometheus.Counter
	lost, unburied, unheld   prometheus.Counter
	settled                  *prometheus.CounterVec
}

// How a delivery was settled: the label values.
const (
	settledDone       = "done"
	settledRetry      = "retry"
	settledDead       = "dead"
	settledHandedBack = "handed_back"
	settledDropped    = "dropped"
	settledPassed     = "passed"
	settledHeld       = "held"
	settledEarly      = "early"
	settledPostponed  = "postponed"
	settledGone       = "gone"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	p := metric.For(reg, "pushqueue")
	return &metrics{
		deliveries:   p.Counter("deliveries_total", "Push jobs handed to the worker."),
		redeliveries: p.Counter("redeliveries_total", "Push jobs handed to the worker that had been handed out before."),
		malformed:    p.Counter("malformed_total", "Messages of the stream, or of other push workers, that are not readable."),
		fetchErrors:  p.Counter("fetch_errors_total", "Requests for push jobs that failed."),
		lost:         p.Counter("answers_lost_total", "Answers to the queue, or words to other workers, that could not be sent; the job comes again."),
		unburied:     p.Counter("unburied_total", "Dead letters that could not be kept; the job comes again."),
		unheld:       p.Counter("unheld_total", "Push jobs that are to wait and could not be written down; they come again in 5 s: look at the log."),
		settled: p.CounterVec("settled_total", "Push jobs by how the worker settled them.",
			metric.By("how", settledDone, settledRetry, settledDead, settledHandedBack, settledDropped, settledPassed, settledHeld, settledEarly, settledPostponed, settledGone)),
	}
}

// watch shows how many jobs are open.
func watch(reg prometheus.Registerer, o *openSet) {
	metric.For(reg, "pushqueue").GaugeFunc("open", "Push jobs in the worker's hands.",
		func() float64 { return float64(o.size()) })
}

// watchWorkers shows how many workers share the queue.
func watchWorkers(reg prometheus.Registerer, o *openSet, r *roster) {
	metric.For(reg, "pushqueue").GaugeFunc("workers", "Push workers that share the devices, this one included; 0 while this one takes no part.",
		func() float64 { return float64(r.size(o.since())) })
}
