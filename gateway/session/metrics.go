package session

import "github.com/prometheus/client_golang/prometheus"

// metrics of the sessions. Every label has a small closed set of values.
type metrics struct {
	unidentified prometheus.Gauge
	live         prometheus.Gauge
	opened       *prometheus.CounterVec // transport
	refused      *prometheus.CounterVec // reason: ended before it was a session
	closed       *prometheus.CounterVec // reason
	notifies     *prometheus.CounterVec // result
	collapsed    prometheus.Counter
	asksDropped  prometheus.Counter
	acksIgnored  prometheus.Counter
	requests     *prometheus.CounterVec // status
	records      *prometheus.CounterVec // operation, result
	recordsLost  prometheus.Counter
	acceptErrors prometheus.Counter
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: "hawser_session_" + name, Help: help})
	}
	vector := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: "hawser_session_" + name, Help: help}, labels)
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: "hawser_session_" + name, Help: help})
	}
	m := &metrics{
		unidentified: gauge("unidentified", "Connections that have not said Hello."),
		live:         gauge("live", "Sessions."),
		opened:       vector("opened_total", "Sessions that were welcomed.", "transport"),
		refused:      vector("refused_total", "Connections that ended before they were sessions.", "reason"),
		closed:       vector("closed_total", "Sessions that ended.", "reason"),
		notifies:     vector("notifies_total", "Notifies of routers, by the answer.", "result"),
		collapsed:    counter("notifies_collapsed_total", "Notifies that a newer one replaced before they were written."),
		asksDropped:  counter("asks_dropped_total", "Routers forgotten because too many asked about one kind; they ask again."),
		acksIgnored:  counter("acks_ignored_total", "Versions of kinds that the tenant does not have."),
		requests:     vector("requests_total", "Requests of devices, by the status of the answer.", "status"),
		records:      vector("device_records_total", "Attempts to write device records.", "operation", "result"),
		recordsLost:  counter("device_records_lost_total", "Device records given up after their sessions had ended."),
		acceptErrors: counter("accept_errors_total", "Failures to accept a connection."),
	}
	if r != nil {
		r.MustRegister(m.unidentified, m.live, m.opened, m.refused, m.closed, m.notifies, m.collapsed,
			m.asksDropped, m.acksIgnored, m.requests, m.records, m.recordsLost, m.acceptErrors)
	}
	return m
}

func result(err error) string {
	if err != nil {
		return "error"
	}
	return "ok"
}
