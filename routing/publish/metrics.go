package publish

import (
	"time"

	"connectrpc.com/connect"
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
	calls   *prometheus.CounterVec
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
	resultCrowded      = "crowded"
	resultHeldBack     = "held_back"
	resultFull         = "full"
	resultBusy         = "busy"
	resultUnavailable  = "unavailable"
	resultInternal     = "internal"
)

// callOK is the label's value for a call that was answered; one that was not
// has its error's code.
const callOK = "ok"

func codes() []string {
	out := []string{callOK}
	for _, c := range []connect.Code{connect.CodeInvalidArgument, connect.CodeResourceExhausted, connect.CodeUnavailable,
		connect.CodeInternal, connect.CodeUnimplemented} {
		out = append(out, c.String())
	}
	return out
}

func newMetrics(reg prometheus.Registerer) *metrics {
	p := metric.For(reg, "publish")
	return &metrics{
		part: p,
		results: p.CounterVec("events_total", "Events of backends, by what became of them.",
			metric.By("result", resultStored, resultDuplicate, resultInvalid, resultUnreadable, resultDenied, resultNotAboveHead,
				resultJump, resultConflict, resultQuota, resultCrowded, resultHeldBack, resultFull, resultBusy, resultUnavailable, resultInternal)),
		retries: p.Counter("retries_total", "Attempts to store an event after the first one."),
		seconds: p.Histogram("seconds", "Time until an event was stored, retries included.",
			[]float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2.5, 5, 10}),
		unsafe: p.Counter("unsafe_replies_total", "Requests at the NATS door that named no inbox of their tenant's backend as their reply; dropped."),
		calls: p.CounterVec("calls_total", "Calls of backends beside Notify, by method and by how they were answered.",
			metric.By("method", methods()...), metric.By("code", codes()...)),
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
func (m *metrics) door(subs []*nats.Subscription) {
	m.part.CounterFunc("door_dropped_total", "Requests at the NATS door that were dropped because too many waited.", func() float64 {
		total := 0
		for _, sub := range subs {
			if n, err := sub.Dropped(); err == nil {
				total += n
			}
		}
		return float64(total)
	})
}
