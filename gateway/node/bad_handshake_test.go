package node_test

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire"
)

// What is wrong before a frame can be said is counted, and costs nobody else
// anything.
func TestBadHandshakes(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{vars: []string{"HAWSER_EDGE_HANDSHAKE_TIMEOUT=1s"}})
	healthy := f.connect("carol", "phone", phoneOptions{})
	tests := []struct {
		name, reason, says string
		try                func(net.Conn, *tls.Config) error
	}{
		{"garbage instead of TLS", "not_tls", "", func(c net.Conn, _ *tls.Config) error {
			if _, err := c.Write([]byte("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n")); err != nil {
				return nil
			}
			// The edge ends it; what it says before is an alert of TLS.
			for {
				if _, err := c.Read(make([]byte, 64)); err != nil {
					return err
				}
			}
		}},
		{"TLS 1.2 only", "tls_version", "protocol version", func(c net.Conn, cfg *tls.Config) error {
			cfg.MinVersion, cfg.MaxVersion = tls.VersionTLS12, tls.VersionTLS12
			return tls.Client(c, cfg).Handshake()
		}},
		{"another protocol by ALPN", "alpn", "no application protocol", func(c net.Conn, cfg *tls.Config) error {
			cfg.NextProtos = []string{"mqtt"}
			return tls.Client(c, cfg).Handshake()
		}},
		{"no ALPN", "alpn", "", func(c net.Conn, cfg *tls.Config) error {
			cfg.NextProtos = nil
			conn := tls.Client(c, cfg)
			if err := conn.Handshake(); err != nil {
				return err
			}
			_, err := conn.Read(make([]byte, 1))
			return err
		}},
		{"nothing at all", "timeout", "", func(c net.Conn, _ *tls.Config) error {
			_, err := c.Read(make([]byte, 1))
			return err
		}},
	}
	for _, test := range tests {
		if t.Failed() {
			break // the others would wait for the same phone in vain
		}
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			name := `hawser_transport_rejected_total{reason="` + test.reason + `",transport="tcp"}`
			f.counts(whole, name, 1, func() {
				conn, err := net.Dial("tcp", f.edgeAddr(whole))
				if err != nil {
					t.Fatal(err)
				}
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(patience))
				cfg := f.tls.Clone()
				cfg.ServerName, cfg.NextProtos = "localhost", []string{wire.ALPN}
				if err = test.try(conn, cfg); err == nil {
					t.Fatal("the edge let it in")
				}
				wantText(t, err.Error(), test.says)
			})
			healthy.in(t).hears(test.name)
		})
	}
}
