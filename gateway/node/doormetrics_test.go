package node

import (
	"crypto/tls"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// What was negotiated is counted under few names, also what should not be.
func TestHandshakesAreCounted(t *testing.T) {
	m := newDoorMetrics(prometheus.NewRegistry())
	series := testutil.CollectAndCount(m.handshakes)
	for _, c := range []struct {
		kind   transport.Kind
		state  tls.ConnectionState
		labels []string
	}{
		{transport.TCP, tls.ConnectionState{CurveID: tls.X25519, CipherSuite: tls.TLS_CHACHA20_POLY1305_SHA256},
			[]string{"tcp", "X25519", "TLS_CHACHA20_POLY1305_SHA256", "no"}},
		{transport.QUIC, tls.ConnectionState{CurveID: tls.X25519MLKEM768, CipherSuite: tls.TLS_AES_128_GCM_SHA256, DidResume: true},
			[]string{"quic", "X25519MLKEM768", "TLS_AES_128_GCM_SHA256", "yes"}},
		{transport.TCP, tls.ConnectionState{CurveID: 7777, CipherSuite: 7777}, []string{"tcp", "other", "other", "no"}},
	} {
		m.handshake(c.kind, &c.state)
		if got := testutil.ToFloat64(m.handshakes.WithLabelValues(c.labels...)); got != 1 {
			t.Errorf("%v counts %v, want 1", c.labels, got)
		}
	}
	if got := testutil.CollectAndCount(m.handshakes); got != series {
		t.Errorf("%d series became %d", series, got)
	}
}
