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
	counters   map[negotiated]prometheus.Counter
	curves     map[tls.CurveID]string // the values of the label
	suites     map[uint16]string
}

// negotiated is a handshake as it is counted.
type negotiated struct {
	kind    transport.Kind
	curve   tls.CurveID
	suite   uint16
	resumed bool
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
	m.counters = m.known()
	return m
}

// known are the counters of what an edge offers: to find one by its labels
// takes longer.
func (m *doorMetrics) known() map[negotiated]prometheus.Counter {
	all := map[negotiated]prometheus.Counter{}
	for _, kind := range []transport.Kind{transport.TCP, transport.QUIC} {
		for curve := range m.curves {
			for suite := range m.suites {
				for _, resumed := range []bool{false, true} {
					n := negotiated{kind, curve, suite, resumed}
					all[n] = m.counter(n)
				}
			}
		}
	}
	return all
}

func (m *doorMetrics) reject(kind transport.Kind, reason string) {
	m.rejected.WithLabelValues(string(kind), reason).Inc()
}

func (m *doorMetrics) handshake(kind transport.Kind, state *tls.ConnectionState) {
	n := negotiated{kind, state.CurveID, state.CipherSuite, state.DidResume}
	c, ok := m.counters[n]
	if !ok {
		c = m.counter(n)
	}
	c.Inc()
}

func (m *doorMetrics) counter(n negotiated) prometheus.Counter {
	curve, ok := m.curves[n.curve]
	if !ok {
		curve = otherTLS
	}
	suite, ok := m.suites[n.suite]
	if !ok {
		suite = otherTLS
	}
	resumed := "no"
	if n.resumed {
		resumed = "yes"
	}
	return m.handshakes.WithLabelValues(string(n.kind), curve, suite, resumed)
}
