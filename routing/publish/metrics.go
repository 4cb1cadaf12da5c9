package publish

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"
)

type metrics struct {
	results *prometheus.CounterVec
	retries prometheus.Counter
	seconds prometheus.Histogram
	unsafe  prometheus.Counter
	reg     prometheus.Registerer
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		results: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hawser_publish_events_total",
			Help: "Events of backends by result: stored, duplicate, invalid, unreadable, denied, not_above_head, jump, conflict, quota, full, busy, unavailable, internal."},
			[]string{"result"}),
		retries: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hawser_publish_retries_total", Help: "Attempts to store an event after the first one."}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "hawser_publish_seconds", Help: "Time until an event was stored, retries included.",
			Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
		unsafe: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "hawser_publish_unsafe_replies_total", Help: "Requests at the NATS door that named no inbox of their tenant's backend as their reply; dropped."}),
		reg: reg,
	}
	if reg != nil {
		reg.MustRegister(m.results, m.retries, m.seconds, m.unsafe)
	}
	return m
}

func (m *metrics) stored(r Result, took time.Duration) {
	result := "stored"
	if r.Duplicate {
		result = "duplicate"
	}
	m.results.WithLabelValues(result).Inc()
	m.seconds.Observe(took.Seconds())
}

// door exposes what the client library dropped before the door saw it.
func (m *metrics) door(sub *nats.Subscription) {
	if m.reg == nil {
		return
	}
	c := prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "hawser_publish_door_dropped_total", Help: "Requests at the NATS door that were dropped because too many waited."},
		func() float64 {
			n, err := sub.Dropped()
			if err != nil {
				return 0
			}
			return float64(n)
		})
	m.reg.MustRegister(c)
}
