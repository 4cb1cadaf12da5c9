package edgelink

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
)

// metrics of a link.
type metrics struct {
	batches, beats, dumps      prometheus.Counter
	resyncs                    *prometheus.CounterVec
	notifies, stale            prometheus.Counter
	answers                    prometheus.Counter
	headsUsers, headsRetries   prometheus.Counter
	superseded, refused, ended prometheus.Counter
	deviceRetries, moves       prometheus.Counter
	dropped                    *prometheus.CounterVec
}

// Reasons of resyncs and names of what is dropped: the label values.
const (
	resyncReconnect = "reconnect"
	resyncOverflow  = "overflow"
	resyncPublish   = "publish"

	dropAnswers   = "answers"
	dropDumps     = "dump_requests"
	dropInbound   = "inbound"
	dropMalformed = "malformed"
	dropSession   = "invalid_sessions"
	dropNewer     = "notifies_of_newer_incarnation"
)

func newMetrics(reg prometheus.Registerer) *metrics {
	p := metric.For(reg, "edgelink")
	return &metrics{
		batches: p.Counter("batches_total", "Session batches sent to routers, beats not counted."),
		beats:   p.Counter("beats_total", "Beats sent to routers."),
		dumps:   p.Counter("dumps_total", "Dumps of all sessions sent to a router."),
		resyncs: p.CounterVec("resyncs_total", "Times that all routers were made to ask for a dump.",
			metric.By("reason", resyncReconnect, resyncOverflow, resyncPublish)),
		notifies:      p.Counter("notifies_total", "Notifies received from routers."),
		stale:         p.Counter("notifies_stale_total", "Notifies for a former incarnation of this edge."),
		answers:       p.Counter("answers_total", "Answers to notifies sent to routers."),
		headsUsers:    p.Counter("heads_total", "Sessions that got the heads of their user."),
		headsRetries:  p.Counter("heads_retries_total", "Requests for heads that were repeated."),
		ended:         p.Counter("ended_total", "Sessions that a router asked to end because their backend said so, or because their user has newer devices; asked again until they have."),
		superseded:    p.Counter("superseded_total", "Sessions that a router found superseded."),
		refused:       p.Counter("epochs_refused_total", "Sessions that a router refused for their epoch."),
		deviceRetries: p.Counter("device_retries_total", "Requests to store or remove a device record that were repeated."),
		moves:         p.Counter("moves_total", "Times that the edge left a NATS server over which it heard of no router."),
		dropped: p.CounterVec("dropped_total", "What was dropped at a queue's bound or as unreadable.",
			metric.By("what", dropAnswers, dropDumps, dropInbound, dropMalformed, dropSession, dropNewer)),
	}
}

// gauges registers what is read from the link when it is asked for.
func (l *Link) gauges(reg prometheus.Registerer) {
	p := metric.For(reg, "edgelink")
	locked := func(name, help string, read func() float64) {
		p.GaugeFunc(name, help, func() float64 {
			l.mu.Lock()
			defer l.mu.Unlock()
			return read()
		})
	}
	locked("sessions", "Live sessions.", func() float64 { return float64(len(l.table.sessions)) })
	locked("sessions_unverified", "Live sessions that are not verified.", func() float64 { return float64(l.table.unverified) })
	locked("routers", "Routers that are known, complete or not.", func() float64 { return float64(len(l.presence.routers)) })
	locked("name_taken", "1 while another process runs under this edge's name.", func() float64 { return metric.Bool(l.ownTwin.here(time.Now())) })
	p.GaugeFunc("clock_ahead_seconds", "By how much the host's clock is ahead of the routers', negative where it is behind.", func() float64 { return l.Clock().Ahead.Seconds() })
	p.GaugeFunc("degraded", "1 while NATS is away or no router is complete.", func() float64 { return metric.Bool(l.degraded.Load()) })
}
