package pushqueue

import "github.com/prometheus/client_golang/prometheus"

// Metrics of a consumption.
type Metrics struct {
	deliveries, redeliveries prometheus.Counter
	malformed, fetchErrors   prometheus.Counter
	lost                     prometheus.Counter
	settled                  *prometheus.CounterVec
}

// How a delivery was settled: the label values.
const (
	settledDone       = "done"
	settledRetry      = "retry"
	settledDead       = "dead"
	settledHandedBack = "handed_back"
)

func newMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "hawser_pushqueue_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	m := &Metrics{
		deliveries:   counter("deliveries_total", "Push jobs handed to the worker."),
		redeliveries: counter("redeliveries_total", "Push jobs handed to the worker that had been handed out before."),
		malformed:    counter("malformed_total", "Messages of the stream that are not push jobs."),
		fetchErrors:  counter("fetch_errors_total", "Requests for push jobs that failed."),
		lost:         counter("answers_lost_total", "Answers to the queue that could not be sent; the job comes again."),
		settled: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hawser_pushqueue_settled_total", Help: "Push jobs by how the worker settled them.",
		}, []string{"how"}),
	}
	reg.MustRegister(m.settled)
	for _, how := range []string{settledDone, settledRetry, settledDead, settledHandedBack} {
		m.settled.WithLabelValues(how)
	}
	return m
}

func (m *Metrics) watch(reg prometheus.Registerer, o *openSet) {
	reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "hawser_pushqueue_open", Help: "Push jobs in the worker's hands.",
	}, func() float64 { return float64(o.max - o.free()) }))
}
