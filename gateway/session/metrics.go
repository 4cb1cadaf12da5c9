package session

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// metrics of the sessions. Every label has a small closed set of values.
type metrics struct {
	unidentified prometheus.Gauge
	live         prometheus.Gauge
	opened       *prometheus.CounterVec       // transport
	refused      *prometheus.CounterVec       // reason: ended before it was a session
	closed       *prometheus.CounterVec       // reason
	notifies     [Gone + 1]prometheus.Counter // by the answer's state; see byState
	collapsed    prometheus.Counter
	asksDropped  prometheus.Counter
	acksIgnored  prometheus.Counter
	requests     *prometheus.CounterVec // status
	records      *prometheus.CounterVec // operation, result
	recordsLost  prometheus.Counter
	acceptErrors prometheus.Counter
	intervals    prometheus.Histogram
	probes       prometheus.Counter
	probeEnds    *prometheus.CounterVec // result
	rebindings   prometheus.Counter
}

func newMetrics(reg prometheus.Registerer) *metrics {
	p := metric.For(reg, "session")
	return &metrics{
		unidentified: p.Gauge("unidentified", "Connections that have not said Hello."),
		live:         p.Gauge("live", "Sessions."),
		opened: p.CounterVec("opened_total", "Sessions that were welcomed.",
			metric.By("transport", string(transport.TCP), string(transport.QUIC))),
		refused:     p.CounterVec("refused_total", "Connections that ended before they were sessions.", metric.By("reason", reasons(refusals())...)),
		closed:      p.CounterVec("closed_total", "Sessions that ended.", metric.By("reason", reasons(endings())...)),
		notifies:    byState(p.CounterVec("notifies_total", "Notifies of routers, by the answer.", metric.By("result", metric.Names(answerStates())...))),
		collapsed:   p.Counter("notifies_collapsed_total", "Notifies that a newer one replaced before they were written."),
		asksDropped: p.Counter("asks_dropped_total", "Routers forgotten because too many asked about one kind; they ask again."),
		acksIgnored: p.Counter("acks_ignored_total", "Versions of kinds that the tenant does not have."),
		requests:    p.CounterVec("requests_total", "Requests of devices, by the status of the answer.", metric.By("status", metric.Names(wire.Statuses())...)),
		records: p.CounterVec("device_records_total", "Attempts to write device records.",
			metric.By("operation", recordPut, recordRemove), metric.By("result", resultOK, resultError)),
		recordsLost:  p.Counter("device_records_lost_total", "Device records given up after their sessions had ended."),
		acceptErrors: p.Counter("accept_errors_total", "Failures to accept a connection."),
		intervals: p.Histogram("interval_seconds", "Heartbeat intervals that were handed out.",
			[]float64{30, 45, 60, 90, 120, 180, 240, 300, 420, 600, 900, 1200, 1500, 1740}),
		probes: p.Counter("probes_total", "Probes of the way down to a device."),
		probeEnds: p.CounterVec("probes_ended_total", "Probes after which a device was heard: it answered, spoke for itself and had not got the Probe, or did so too early to tell.",
			metric.By("result", probeAnswered, probeMissed, probeDisturbed)),
		rebindings: p.Counter("rebindings_total", "Devices on QUIC that came from another port or address of their network after a silence."),
	}
}

func answerStates() []AnswerState { return []AnswerState{Acked, InFlight, Gone} }

// byState looks the counters up once: there are notifies by the thousand.
func byState(all *prometheus.CounterVec) (out [Gone + 1]prometheus.Counter) {
	for _, state := range answerStates() {
		out[state] = all.WithLabelValues(state.String())
	}
	return out
}

// The label values of records.
const (
	recordPut    = "put"
	recordRemove = "remove"
	resultOK     = "ok"
	resultError  = "error"
)

func result(err error) string {
	if err != nil {
		return resultError
	}
	return resultOK
}
