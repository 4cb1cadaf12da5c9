package publish

import (
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

// metrics of a Service.
type metrics struct {
	// Static after construction.
	part    metric.Part
	results *prometheus.CounterVec
	retries prometheus.Counter
	seconds prometheus.Histogram
	unsafe  prometheus.Counter
}

// What became of an event: the label values.
const (
	resultStored       = "stored"
	resultDuplicate    = "duplicate"
	resultInvalid      = "invalid"
	resultUnreadable   = "unreadable"
	resultDenied       = "denied"
	resultNotAboveHead = "not_above_head"
	resultJump         = "jump"
	resultConflict     = "conflict"
	resultQuota        = "quota"
	resultFull         = "full"
	resultBusy         = "busy"
	resultUnavailable  = "unavailable"
	resultInternal     = "internal"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	p := metric.For(reg, "publish")
	return &metrics{
		part: p,
		results: p.CounterVec("events_total", "Events of backends, by what became of them.",
			metric.By("result", resultStored, resultDuplicate, resultInvalid, resultUnreadable, resultDenied, resultNotAboveHead,
				resultJump, resultConflict, resultQuota, resultFull, resultBusy, resultUnavailable, resultInternal)),
		retries: p.Counter("retries_total", "Attempts to store an event after the first one."),
		seconds: p.Histogram("seconds", "Time until an event was stored, retries included.",
			[]float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10}),
		unsafe: p.Counter("unsafe_replies_total", "Requests at the NATS door that named no inbox of their tenant's backend as their reply; dropped."),
	}
}

func (m *metrics) stored(r Result, took time.Duration) {
	result := resultStored
	if r.Duplicate {
		result = resultDuplicate
	}
	m.results.WithLabelValues(result).Inc()
	m.seconds.Observe(took.Seconds())
}

// door exposes what the client library dropped before the door saw it.
func (m *metrics) door(sub *nats.Subscription) {
	m.part.CounterFunc("door_dropped_total", "Requests at the NATS door that were dropped because too many waited.", func() float64 {
		n, err := sub.Dropped()
		if err != nil {
			return 0
		}
		return float64(n)
	})
}
