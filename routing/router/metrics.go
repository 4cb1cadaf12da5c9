package router

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/routing/dispatch"
	"github.com/hawser-edge/hawser/routing/table"
)

// The label values.
const (
	malformedCore    = "edge_message"
	malformedEvent   = "event"
	malformedJob     = "push_job"
	malformedRecord  = "device_record"
	malformedReply   = "reply_subject"
	malformedRequest = "request"

	retryConsumer = "consumer"
	retryDevice   = "device"
	retryEvent    = "event"
	retryHeads    = "heads"
	retryKind     = "unknown_kind"
	retryRecords  = "records"

	dropCore    = "edge_message"
	dropWork    = "request"
	dropPublish = "publish"
)

// metrics of a router. What the loop counts itself is read from the totals
// that it leaves at each tick.
type metrics struct {
	malformed, retries, dropped *prometheus.CounterVec
	batches                     [table.KeptFull + 1]prometheus.Counter
	dumps, dumpsAsked           prometheus.Counter
	edgesLost                   prometheus.Counter
	totals                      atomic.Pointer[totals]
}

// totals are the loop's own numbers.
type totals struct {
	dispatch.Counts
	edges, behind, sessions, records int
	complete                         bool
	droppedCore, droppedWork         int
}

func newMetrics(reg prometheus.Registerer) *metrics {
	m := &metrics{
		malformed: vec(reg, "malformed_total", "what", "Messages that could not be read and were dropped.",
			malformedCore, malformedEvent, malformedJob, malformedRecord, malformedReply, malformedRequest),
		retries: vec(reg, "retries_total", "what", "Work on NATS that failed and is tried again, by the router or by who asked.",
			retryConsumer, retryDevice, retryEvent, retryHeads, retryKind, retryRecords),
		dropped: vec(reg, "dropped_total", "what", "Messages dropped at a full queue; each kind is asked or told again.",
			dropCore, dropWork, dropPublish),
		dumps:      counter(reg, "dumps_total", "Dumps of an edge's sessions taken in."),
		dumpsAsked: counter(reg, "dumps_asked_total", "Dumps asked of edges, repetitions included."),
		edgesLost:  counter(reg, "edges_lost_total", "Edges that fell silent."),
	}
	batches := vec(reg, "batches_total", "result", "Session batches and beats of edges, by what became of them.")
	for result, name := range map[table.BatchResult]string{
		table.Applied: "applied", table.Kept: "kept", table.Gap: "gap", table.Mismatch: "mismatch",
		table.Stale: "stale", table.Unknown: "unknown", table.KeptFull: "kept_full",
	} {
		m.batches[result] = batches.WithLabelValues(name)
	}
	m.totals.Store(&totals{})
	m.registerTotals(reg)
	return m
}

func (m *metrics) registerTotals(reg prometheus.Registerer) {
	total := func(name, help string, labels prometheus.Labels, read func(*totals) uint64) {
		reg.MustRegister(prometheus.NewCounterFunc(
			prometheus.CounterOpts{Name: "hawser_router_" + name, Help: help, ConstLabels: labels},
			func() float64 { return float64(read(m.totals.Load())) }))
	}
	gauge := func(name, help string, read func(*totals) int) {
		reg.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "hawser_router_" + name, Help: help},
			func() float64 { return float64(read(m.totals.Load())) }))
	}
	total("events_total", "Events taken.", nil, func(t *totals) uint64 { return t.Messages })
	total("events_redelivered_total", "Events that a router had before.", nil, func(t *totals) uint64 { return t.Redelivered })
	total("events_late_total", "Events that arrived past their patience.", nil, func(t *totals) uint64 { return t.Late })
	total("events_returned_total", "Events returned because an edge did not answer.", nil, func(t *totals) uint64 { return t.GivenBack })
	const settled = "Devices settled for an event, or whole events where the reason is superseded or nobody."
	for reason, read := range map[string]func(*totals) uint64{
		"acked":      func(t *totals) uint64 { return t.Acked },
		"pushed":     func(t *totals) uint64 { return t.Pushed },
		"released":   func(t *totals) uint64 { return t.Released },
		"nobody":     func(t *totals) uint64 { return t.Nobody },
		"superseded": func(t *totals) uint64 { return t.Superseded },
	} {
		total("settled_total", settled, prometheus.Labels{"reason": reason}, read)
	}
	total("notifies_total", "Notifies sent to edges.", nil, func(t *totals) uint64 { return t.Notifies })
	total("notifies_repeated_total", "Notifies sent again for want of an acknowledgement.", nil, func(t *totals) uint64 { return t.Reasked })
	total("answers_total", "Answers of edges.", nil, func(t *totals) uint64 { return t.Answers })
	total("answers_unknown_total", "Answers for sessions that have ended.", nil, func(t *totals) uint64 { return t.AnswersUnknown })
	total("away_total", "Devices found without a session.", nil, func(t *totals) uint64 { return t.Away })
	total("doubtful_total", "Sessions that let an event's patience pass.", nil, func(t *totals) uint64 { return t.Doubtful })
	total("reminded_total", "Sessions that registered just after an event was settled without them.", nil, func(t *totals) uint64 { return t.Reminded })
	total("owed_total", "Pushes of settled events for devices whose first push token came just after.", nil, func(t *totals) uint64 { return t.Owed })
	total("push_jobs_total", "Push jobs to be stored.", nil, func(t *totals) uint64 { return t.Stores })
	total("push_job_errors_total", "Push jobs that were not stored and are tried again.", nil, func(t *totals) uint64 { return t.StoreErrors })
	total("checks_total", "Questions of the push role.", nil, func(t *totals) uint64 { return t.Checks })
	total("recent_evicted_total", "Settled events forgotten early for want of room.", nil, func(t *totals) uint64 { return t.RecentEvicted })
	gauge("events_pending", "Events held.", func(t *totals) int { return t.Held })
	gauge("deliveries_pending", "Devices with an open event.", func(t *totals) int { return t.Deliveries })
	gauge("recent", "Events remembered as settled without some device.", func(t *totals) int { return t.Recent })
	gauge("edges", "Edges heard of.", func(t *totals) int { return t.edges })
	gauge("edges_behind", "Edges of which a dump is needed.", func(t *totals) int { return t.behind })
	gauge("sessions", "Live sessions in the table.", func(t *totals) int { return t.sessions })
	gauge("records", "Devices registered with a push token.", func(t *totals) int { return t.records })
	gauge("complete", "1 while the table is complete and events are taken.", func(t *totals) int {
		if t.complete {
			return 1
		}
		return 0
	})
}

func counter(reg prometheus.Registerer, name, help string) prometheus.Counter {
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "hawser_router_" + name, Help: help})
	reg.MustRegister(c)
	return c
}

func vec(reg prometheus.Registerer, name, label, help string, values ...string) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hawser_router_" + name, Help: help}, []string{label})
	reg.MustRegister(c)
	for _, v := range values {
		c.WithLabelValues(v)
	}
	return c
}

// report leaves the loop's numbers for the metrics.
func (l *loop) report() {
	t := &totals{Counts: l.d.Counts(), sessions: l.table.Sessions(), records: l.table.Records(), complete: l.complete}
	t.edges, t.behind = l.table.Edges()
	t.droppedCore, t.droppedWork = l.subs.droppedAll()
	l.r.metrics.dropped.WithLabelValues(dropCore).Add(float64(max(0, t.droppedCore-l.totals.droppedCore)))
	l.r.metrics.dropped.WithLabelValues(dropWork).Add(float64(max(0, t.droppedWork-l.totals.droppedWork)))
	l.totals = *t
	l.r.metrics.totals.Store(t)
}
