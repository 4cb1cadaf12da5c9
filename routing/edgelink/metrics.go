package edgelink

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics of a link.
type Metrics struct {
	batches, beats, dumps    prometheus.Counter
	resyncs                  *prometheus.CounterVec
	notifies, stale          prometheus.Counter
	answers                  prometheus.Counter
	headsUsers, headsRetries prometheus.Counter
	superseded, refused      prometheus.Counter
	deviceRetries            prometheus.Counter
	dropped                  *prometheus.CounterVec
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
	dropZombie    = "notifies_of_newer_incarnation"
)

func newMetrics(reg prometheus.Registerer) *Metrics {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: "hawser_edgelink_" + name, Help: help})
		reg.MustRegister(c)
		return c
	}
	vec := func(name, label, help string, values ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hawser_edgelink_" + name, Help: help}, []string{label})
		reg.MustRegister(c)
		for _, v := range values {
			c.WithLabelValues(v)
		}
		return c
	}
	return &Metrics{
		batches: counter("batches_total", "Session batches sent to routers, beats not counted."),
		beats:   counter("beats_total", "Beats sent to routers."),
		dumps:   counter("dumps_total", "Dumps of all sessions sent to a router."),
		resyncs: vec("resyncs_total", "reason", "Times that all routers were made to ask for a dump.",
			resyncReconnect, resyncOverflow, resyncPublish),
		notifies:      counter("notifies_total", "Notifies received from routers."),
		stale:         counter("notifies_stale_total", "Notifies for a former incarnation of this edge."),
		answers:       counter("answers_total", "Answers to notifies sent to routers."),
		headsUsers:    counter("heads_total", "Sessions that got the heads of their user."),
		headsRetries:  counter("heads_retries_total", "Requests for heads that were repeated."),
		superseded:    counter("superseded_total", "Sessions that a router found superseded."),
		refused:       counter("epochs_refused_total", "Sessions that a router refused for their epoch."),
		deviceRetries: counter("device_retries_total", "Requests to store or remove a device record that were repeated."),
		dropped: vec("dropped_total", "what", "What was dropped at a queue's bound or as unreadable.",
			dropAnswers, dropDumps, dropInbound, dropMalformed, dropSession, dropZombie),
	}
}

// gauges registers what is read from the link when it is asked for.
func (l *Link) gauges(reg prometheus.Registerer) {
	gauge := func(name, help string, read func() int) {
		reg.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: "hawser_edgelink_" + name, Help: help},
			func() float64 {
				l.mu.Lock()
				defer l.mu.Unlock()
				return float64(read())
			}))
	}
	gauge("sessions", "Live sessions.", func() int { return len(l.table.sessions) })
	gauge("sessions_unverified", "Live sessions that are not verified.", func() int { return l.table.unverified })
	gauge("routers", "Routers that are known, complete or not.", func() int { return len(l.presence.routers) })
	gauge("name_taken", "1 while another process runs under this edge's name.", func() int {
		if l.ownTwin.here(time.Now()) {
			return 1
		}
		return 0
	})
	gauge("degraded", "1 while NATS is away or no router is complete.", func() int {
		if l.degraded.Load() {
			return 1
		}
		return 0
	})
}
