package push

import "github.com/prometheus/client_golang/prometheus"

// Metrics counts what the worker does. Label values are bounded: platforms,
// verdicts, outcomes of this package and the reasons of the providers' tables.
type Metrics struct {
	// outcomes: see the outcome constants.
	jobs *prometheus.CounterVec
	// sends by platform, verdict and reason.
	sends *prometheus.CounterVec
	// refused counts jobs sent back because a bound was reached, by bound.
	refused *prometheus.CounterVec
	held    prometheus.Gauge
	seconds *prometheus.HistogramVec
}

// newMetrics makes and registers the metrics; paused counts the applications
// that send nothing for now.
func newMetrics(reg prometheus.Registerer, paused func() float64) *Metrics {
	m := &Metrics{
		jobs: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hawser_push_jobs_total", Help: "Push jobs resolved, by outcome.",
		}, []string{"outcome"}),
		sends: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hawser_push_sends_total", Help: "Attempts at a push service, by its answer.",
		}, []string{"platform", "verdict", "reason"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "hawser_push_refused_total", Help: "Push jobs sent back because a queue was full, by queue.",
		}, []string{"queue"}),
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "hawser_push_held_jobs", Help: "Push jobs gathered and not yet due.",
		}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "hawser_push_send_seconds", Help: "Time of one attempt at a push service.",
			Buckets: []float64{0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30},
		}, []string{"platform"}),
	}
	if reg != nil {
		reg.MustRegister(m.jobs, m.sends, m.refused, m.held, m.seconds)
		reg.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "hawser_push_paused_apps", Help: "Applications whose push service refuses them: look at the log.",
		}, paused))
	}
	return m
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
	outcomeDropped    = "token_dropped"
	outcomeDead       = "dead"
	outcomeSuperseded = "superseded"
	outcomeRefused    = "refused"
	outcomePaused     = "paused"
	outcomeStopped    = "stopped"
)

// Queues that can be full.
const (
	queueHeld = "held"
	queueApp  = "app"
)
