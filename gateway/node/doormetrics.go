package node

import (
	"crypto/tls"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hawser-edge/hawser/gateway/metric"
	"github.com/hawser-edge/hawser/gateway/transport"
)

// doorMetrics count what came of connections before their Hello.
type doorMetrics struct {
	// Static after construction.
	rejected   *prometheus.CounterVec // transport, reason
	handshakes *prometheus.CounterVec // transport, curve, suite, resumed
	curves     map[tls.CurveID]string // the values of the label
	suites     map[uint16]string
}

// otherTLS is the label of what an edge does not offer: it stays at zero.
const otherTLS = "other"

func newDoorMetrics(reg prometheus.Registerer) *doorMetrics {
	part := metric.For(reg, "transport")
	transports := metric.By("transport", string(transport.TCP), string(transport.QUIC))
	m := &doorMetrics{curves: map[tls.CurveID]string{}, suites: map[uint16]string{}}
	curves, suites := metric.By("curve", otherTLS), metric.By("suite", otherTLS)
	for _, c := range transport.KeyExchanges(true) {
		m.curves[c] = c.String()
		curves.Values = append(curves.Values, m.curves[c])
	}
	for _, s := range transport.Suites() {
		m.suites[s] = tls.CipherSuiteName(s)
		suites.Values = append(suites.Values, m.suites[s])
	}
	m.rejected = part.CounterVec("rejected_total",
		"Connections that ended before they could say Hello, by transport and reason.",
		transports, metric.By("reason", transport.RejectReasons()...))
	m.handshakes = part.CounterVec("handshakes_total",
		"Connections whose handshake was completed, by what was negotiated.",
		transports, curves, suites, metric.By("resumed", "yes", "no"))
	return m
}

func (m *doorMetrics) reject(kind transport.Kind, reason string) {
	m.rejected.WithLabelValues(string(kind), reason).Inc()
}

func (m *doorMetrics) handshake(kind transport.Kind, state *tls.ConnectionState) {
	curve, ok := m.curves[state.CurveID]
	if !ok {
		curve = otherTLS
	}
	suite, ok := m.suites[state.CipherSuite]
	if !ok {
		suite = otherTLS
	}
	resumed := "no"
	if state.DidResume {
		resumed = "yes"
	}
	m.handshakes.WithLabelValues(string(kind), curve, suite, resumed).Inc()
}
