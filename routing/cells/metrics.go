package cells

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

// The label values.
const (
	requestAnswered  = "answered"
	requestMalformed = "malformed"
	requestTooMany   = "too_many"
	requestUnready   = "unready"

	resultMerged     = "merged"
	resultRepeated   = "repeated"
	resultUnreadable = "unreadable"
	resultStale      = "stale"
	resultExcess     = "excess"
	resultFull       = "full"
	resultContended  = "contended"
	resultStore      = "store"

	garbageKey   = "key"
	garbageValue = "value"

	sentMerged  = "merged"
	sentRefused = "refused"
	sentLater   = "later"
)

type keeperMetrics struct {
	requests, deltas, garbage        *prometheus.CounterVec
	told, evicted, refilled, retries prometheus.Counter
	silenced                         prometheus.Counter
}

func newKeeperMetrics(reg prometheus.Registerer, k *Keeper) *keeperMetrics {
	p := metric.For(reg, "cells")
	count := func(read func(m *mirror) float64) func() float64 {
		return func() float64 {
			if s := k.store.Load(); s != nil {
				return read(s.mirror)
			}
			return 0
		}
	}
	p.GaugeFunc("networks", "Networks of which it is known what edges learned; the same at every router.",
		count(func(m *mirror) float64 { n, _ := m.count(); return float64(n) }))
	p.CounterFunc("surplus_total", "Networks in the bucket beyond router.max_networks, which this router ignores.",
		count(func(m *mirror) float64 { _, n := m.count(); return float64(n) }))
	return &keeperMetrics{
		requests: p.CounterVec("requests_total", "Requests of edges about networks. Too many: an edge asks more often than any does, and is not answered.",
			metric.By("result", requestAnswered, requestMalformed, requestTooMany, requestUnready)),
		deltas: p.CounterVec("deltas_total", "What edges learned of a network each, by what became of it. Repeated: it was part of the sum already. Excess: more than the edge's sessions can have seen, more than its part of a network, or too many new networks. Full: the bucket takes no new ones. Contended and store: it is sent again.",
			metric.By("result", resultMerged, resultRepeated, resultUnreadable, resultStale, resultExcess, resultFull, resultContended, resultStore)),
		garbage: p.CounterVec("garbage_total", "Keys and values of the bucket that are not hawser's, and are ignored.",
			metric.By("what", garbageKey, garbageValue)),
		silenced: p.Counter("changes_refused_total", "Changes of networks that an edge told of beyond 240 an hour: what others know is not taken back for them."),
		told:     p.Counter("told_total", "Sums that edges were told."),
		evicted:  p.Counter("evicted_total", "Networks that were pushed out of the bucket by new ones."),
		refilled: p.Counter("refilled_total", "Networks that were put back into a bucket that had been lost."),
		retries:  p.Counter("retries_total", "Times that the bucket could not be followed, and was tried again."),
	}
}

type sharerMetrics struct {
	sent                           *prometheus.CounterVec
	received, unreadable, failures prometheus.Counter
}

func newSharerMetrics(reg prometheus.Registerer, s *Sharer) *sharerMetrics {
	p := metric.For(reg, "cellshare")
	p.GaugeFunc("age_seconds", "How long ago this edge last heard all that the others had learned; since its start, where it never did.", s.age)
	return &sharerMetrics{
		sent: p.CounterVec("sent_total", "What this edge learned of a network each, by what a router made of it. Later: it is sent again.",
			metric.By("result", sentMerged, sentRefused, sentLater)),
		received:   p.Counter("received_total", "Sums of networks that this edge took over."),
		unreadable: p.Counter("unreadable_total", "Sums of networks that could not be read."),
		failures:   p.Counter("failures_total", "Requests to routers that were not answered, and are sent again."),
	}
}
