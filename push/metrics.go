package push

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

// metrics counts what the worker does. Label values are bounded: platforms,
// verdicts, outcomes of this package and the reasons of the providers' tables.
type metrics struct {
	// outcomes: see the outcome constants.
	jobs *prometheus.CounterVec
	// sends by platform, verdict and reason.
	sends *prometheus.CounterVec
	// refused counts jobs sent back because a bound was reached, by bound.
	refused *prometheus.CounterVec
	// tokens counts what became of rejected ones, by the token constants.
	tokens  *prometheus.CounterVec
	held    prometheus.Gauge
	seconds *prometheus.HistogramVec
}

// newMetrics registers the metrics. platforms are those that have a provider;
// paused counts the applications that send nothing for now, frozen those that
// lose no token for now.
func newMetrics(reg prometheus.Registerer, platforms []string, paused, frozen func() float64) *metrics {
	p := metric.For(reg, "push")
	m := &metrics{
		jobs: p.CounterVec("jobs_total", "Push jobs resolved, by outcome.", metric.By("outcome", outcomes()...)),
		sends: p.CounterVec("sends_total", "Attempts at a push service, by its answer.",
			metric.By("platform"), metric.By("verdict"), metric.By("reason")),
		refused: p.CounterVec("refused_total", "Push jobs sent back because a queue was full, by queue.",
			metric.By("queue", queueHeld, queueApp)),
		tokens: p.CounterVec("rejected_tokens_total", "What became of tokens that a push service rejected.",
			metric.By("step", tokenMarked, tokenDropped, tokenKept, tokenNewer)),
		held: p.Gauge("held_jobs", "Push jobs gathered and not yet due."),
		seconds: p.HistogramVec("send_seconds", "Time of one attempt at a push service.",
			[]float64{0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30}, metric.By("platform", platforms...)),
	}
	// Only a delivery has a reason that is known beforehand: none.
	for _, platform := range platforms {
		m.sends.WithLabelValues(platform, Delivered.String(), "")
	}
	p.GaugeFunc("paused_apps", "Applications whose push service refuses them: look at the log.", paused)
	p.GaugeFunc("frozen_apps", "Applications of which so many tokens are rejected that none is removed: look at the log.", frozen)
	return m
}

// Steps of a rejected token.
const (
	tokenMarked  = "marked"
	tokenDropped = "removed"
	// tokenKept: too few pushes to other devices arrive.
	tokenKept = "kept"
	// tokenNewer: the device registered after the rejection.
	tokenNewer = "registered_anew"
)

// showApp registers what is known of one application.
func showApp(reg prometheus.Registerer, q *appQueue) {
	p := metric.For(reg, "push").With("tenant", q.key.Tenant).With("platform", q.key.Platform).With("app", q.key.App)
	p.GaugeFunc("app_breaker_state", "Whether an application's pushes are sent: 0 closed, all are; 1 half open, one at a time; 2 open, none for now.",
		func() float64 { return float64(q.state().breaker) })
	p.GaugeFunc("app_waiting_jobs", "Push jobs of an application that wait for their turn.",
		func() float64 { return float64(q.state().waiting) })
	p.GaugeFunc("app_away_jobs", "Push jobs of an application that wait in the stream until it goes on and that this process calls back then; 131,072 of all applications at most, others return in their time.",
		func() float64 { return float64(q.state().away) })
	p.GaugeFunc("app_in_flight_jobs", "Push jobs of an application that are being sent.",
		func() float64 { return float64(q.state().going) })
	p.GaugeFunc("app_rate_limit", "Pushes a second that an application may send; 0: no bound.",
		func() float64 { return q.state().limit })
}

// Outcomes of a job.
const (
	outcomePushed     = "pushed"
	outcomeNoToken    = "no_token"
	outcomeTold       = "told_before"
	outcomeCovered    = "covered"
	outcomeInFlight   = "in_flight"
	outcomeUnknown    = "presence_unknown"
	outcomeNone       = "policy_none"
	outcomeLookup     = "lookup_failed"
	outcomeRetry      = "retry"
	outcomeRejected   = "token_rejected"
	outcomeDropped    = "token_dropped"
	outcomeDead       = "dead"
	outcomeSuperseded = "superseded"
	outcomeRefused    = "refused"
	outcomePaused     = "paused"
	outcomeQuiet      = "quiet_hours"
	outcomeStopped    = "stopped"
	outcomeTakenOver  = "taken_over"
	outcomeStale      = "stale"
)

// outcomes returns every outcome.
func outcomes() []string {
	return []string{
		outcomePushed, outcomeNoToken, outcomeTold, outcomeCovered, outcomeInFlight, outcomeUnknown,
		outcomeNone, outcomeLookup, outcomeRetry, outcomeRejected, outcomeDropped, outcomeDead, outcomeSuperseded,
		outcomeRefused, outcomePaused, outcomeQuiet, outcomeStopped, outcomeTakenOver, outcomeStale,
	}
}

// Queues that can be full.
const (
	queueHeld = "held"
	queueApp  = "app"
)
