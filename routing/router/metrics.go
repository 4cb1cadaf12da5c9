package router

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
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
	retryLimit    = "device_limit"
	retryRecords  = "records"

	refusedTenant = "tenant"
	refusedEpoch  = "epoch"

	dropCore    = "edge_message"
	dropWork    = "request"
	dropPublish = "publish"
	// dropPresence: a question found the queue full.
	dropPresence = "presence_question"
	// dropLimit: a user's records were not held to the tenant's limits.
	dropLimit = "device_limit"
	// dropRemoval: a push job that nobody needs any more stays.
	dropRemoval = "job_removal"
	// dropHint: sessions hear of the event when the log delivers it.
	dropHint = "hint"

	changeStored  = "stored"
	changeDropped = "dropped"
)

// metrics of a router. What the loop counts itself is read from the totals
// that it leaves at each tick.
type metrics struct {
	malformed, retries, dropped *prometheus.CounterVec
	refused, takeovers          *prometheus.CounterVec
	batches                     [table.KeptFull + 1]prometheus.Counter
	dumps, dumpsAsked           prometheus.Counter
	edgesLost, stops            prometheus.Counter
	clockAhead                  prometheus.Gauge
	changes                     *prometheus.CounterVec
	unhealed, renewed, full     prometheus.Counter
	lateness                    prometheus.Histogram
	totals                      atomic.Pointer[totals]
}

// totals are the loop's own numbers.
type totals struct {
	dispatch.Counts
	edges, behind, sessions, records int
	jobs                             int
	complete                         bool
	droppedCore, droppedWork         int
}

func newMetrics(reg prometheus.Registerer) *metrics {
	p := metric.For(reg, "router")
	m := &metrics{
		malformed: p.CounterVec("malformed_total", "Messages that could not be read and were dropped.",
			metric.By("what", malformedCore, malformedEvent, malformedJob, malformedRecord, malformedReply, malformedRequest)),
		clockAhead: p.Gauge("clock_ahead_seconds", "By how much the host's clock is ahead of those of the other routers and the edges."),
		retries: p.CounterVec("retries_total", "Work on NATS that failed and is tried again, by the router or by who asked.",
			metric.By("what", retryConsumer, retryDevice, retryEvent, retryHeads, retryKind, retryLimit, retryRecords)),
		dropped: p.CounterVec("dropped_total", "Messages dropped at a full queue; each kind is asked or told again.",
			metric.By("what", dropCore, dropWork, dropPublish, dropPresence, dropLimit, dropRemoval, dropHint)),
		refused: p.CounterVec("refused_total", "What an edge said and was not believed: messages with tenants that it may not serve, sessions with an epoch beyond the clock.",
			metric.By("what", refusedTenant, refusedEpoch)),
		takeovers: p.CounterVec("takeovers_total", "Sessions that took the place of one at another edge that lives, by the edge that told of them.", metric.By("edge")),
		changes: p.CounterVec("presence_events_total", "Devices that came or went, by whether their backend's event was stored. What was dropped shows when the backend asks for presence.",
			metric.By("result", changeStored, changeDropped)),
		unhealed: p.Counter("presence_unhealed_total", "Changes of presence that are lost if the router that tells them dies now: too many were under way."),
		renewed:  p.Counter("push_jobs_renewed_total", "Push jobs of before the log was away that were written once more, so that they are handed out again."),
		full:     p.Counter("push_jobs_full_total", "Push jobs that the queue had no room for and that are tried again: look at the log."),
		lateness: p.Histogram("decision_lateness_seconds", "Time from the end of the patience with a device to the decision to push it.",
			[]float64{.01, .025, .05, .1, .15, .2, .25, .5, 1, 2.5, 5, 10}),
		dumps:      p.Counter("dumps_total", "Dumps of an edge's sessions taken in."),
		dumpsAsked: p.Counter("dumps_asked_total", "Dumps asked of edges, repetitions included."),
		stops:      p.Counter("stops_total", "Times that this router stood still, as by SIGSTOP, and left what it held to the others."),
		edgesLost:  p.Counter("edges_lost_total", "Edges that fell silent."),
	}
	batches := p.CounterVec("batches_total", "Session batches and beats of edges, by what became of them.", metric.By("result"))
	for result, name := range map[table.BatchResult]string{
		table.Applied: "applied", table.Kept: "kept", table.Gap: "gap", table.Mismatch: "mismatch",
		table.Stale: "stale", table.Unknown: "unknown", table.KeptFull: "kept_full",
	} {
		m.batches[result] = batches.WithLabelValues(name)
	}
	m.totals.Store(&totals{})
	m.registerTotals(p)
	return m
}

func (m *metrics) registerTotals(p metric.Part) {
	total := func(name, help string, read func(*totals) uint64) {
		p.CounterFunc(name, help, func() float64 { return float64(read(m.totals.Load())) })
	}
	gauge := func(name, help string, read func(*totals) int) {
		p.GaugeFunc(name, help, func() float64 { return float64(read(m.totals.Load())) })
	}
	total("events_total", "Events taken.", func(t *totals) uint64 { return t.Messages })
	total("events_redelivered_total", "Events that a router had before.", func(t *totals) uint64 { return t.Redelivered })
	total("events_late_total", "Events that arrived past their patience.", func(t *totals) uint64 { return t.Late })
	total("events_returned_total", "Events returned because an edge did not answer.", func(t *totals) uint64 { return t.GivenBack })
	total("notifies_total", "Notifies sent to edges.", func(t *totals) uint64 { return t.Notifies })
	total("notifies_repeated_total", "Notifies sent again for want of an acknowledgement.", func(t *totals) uint64 { return t.Reasked })
	total("answers_total", "Answers of edges.", func(t *totals) uint64 { return t.Answers })
	total("answers_unknown_total", "Answers for sessions that have ended.", func(t *totals) uint64 { return t.AnswersUnknown })
	total("answers_ahead_total", "Acknowledgements of versions beyond the newest that this router knows, which count up to that one. Another router may know more; a steady rise from one edge is a lie.", func(t *totals) uint64 { return t.AnswersAhead })
	total("away_total", "Devices found without a session.", func(t *totals) uint64 { return t.Away })
	total("doubtful_total", "Sessions that let an event's patience pass.", func(t *totals) uint64 { return t.Doubtful })
	total("reminded_total", "Sessions that registered just after an event was settled without them.", func(t *totals) uint64 { return t.Reminded })
	total("again_total", "Events of shortly before the log was away, read from it and seen to once more.", func(t *totals) uint64 { return t.Again })
	total("owed_total", "Pushes of settled events for devices whose first push token came just after.", func(t *totals) uint64 { return t.Owed })
	total("push_jobs_total", "Push jobs to be stored.", func(t *totals) uint64 { return t.Stores })
	total("push_job_errors_total", "Push jobs that were not stored and are tried again.", func(t *totals) uint64 { return t.StoreErrors })
	total("push_jobs_unneeded_total", "Push jobs removed because their device acknowledged while they waited for their time.", func(t *totals) uint64 { return t.Unneeded })
	total("hints_total", "Events of which sessions are told before the log delivers them.", func(t *totals) uint64 { return t.Hints })
	total("checks_total", "Questions of the push role.", func(t *totals) uint64 { return t.Checks })
	total("recent_evicted_total", "Settled events forgotten early for want of room.", func(t *totals) uint64 { return t.RecentEvicted })
	total("events_relieved_total", "Events that did not get their whole patience because their tenant filled its part of the room.", func(t *totals) uint64 { return t.Relieved })
	total("events_put_off_total", "Events left to the log for some seconds because their tenant held its part of the room.", func(t *totals) uint64 { return t.PutOff })
	gauge("events_pending", "Events held.", func(t *totals) int { return t.Held })
	gauge("deliveries_pending", "Devices with an open event.", func(t *totals) int { return t.Deliveries })
	gauge("push_jobs_waiting", "Push jobs that wait for room among those that are being stored.", func(t *totals) int { return t.jobs })
	gauge("recent", "Events remembered as settled without some device.", func(t *totals) int { return t.Recent })
	gauge("edges", "Edges heard of.", func(t *totals) int { return t.edges })
	gauge("edges_behind", "Edges of which a dump is needed.", func(t *totals) int { return t.behind })
	gauge("sessions", "Live sessions in the table.", func(t *totals) int { return t.sessions })
	gauge("records", "Devices registered with a push token.", func(t *totals) int { return t.records })
	p.GaugeFunc("complete", "1 while the table is complete and events are taken.",
		func() float64 { return metric.Bool(m.totals.Load().complete) })
	m.registerSettled(p)
}

func (m *metrics) registerSettled(p metric.Part) {
	for reason, read := range map[string]func(*totals) uint64{
		"acked":      func(t *totals) uint64 { return t.Acked },
		"pushed":     func(t *totals) uint64 { return t.Pushed },
		"released":   func(t *totals) uint64 { return t.Released },
		"nobody":     func(t *totals) uint64 { return t.Nobody },
		"superseded": func(t *totals) uint64 { return t.Superseded },
	} {
		p.With("reason", reason).CounterFunc("settled_total",
			"Devices settled for an event, or whole events where the reason is superseded or nobody.",
			func() float64 { return float64(read(m.totals.Load())) })
	}
}

// report leaves the loop's numbers for the metrics.
func (l *loop) report() {
	t := &totals{Counts: l.d.Counts(), sessions: l.table.Sessions(), records: l.table.Records(), complete: l.complete, jobs: l.fx.waiting()}
	t.edges, t.behind = l.table.Edges()
	t.droppedCore, t.droppedWork = l.subs.droppedAll()
	l.r.metrics.dropped.WithLabelValues(dropCore).Add(float64(max(0, t.droppedCore-l.totals.droppedCore)))
	l.r.metrics.dropped.WithLabelValues(dropWork).Add(float64(max(0, t.droppedWork-l.totals.droppedWork)))
	l.totals = *t
	l.r.metrics.totals.Store(t)
}
