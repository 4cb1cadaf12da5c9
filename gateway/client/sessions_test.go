package client_test

import (
	"testing"

	"github.com/hawser-edge/hawser/gateway/client"
	"github.com/hawser-edge/hawser/gateway/transport"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// A device that comes back resumes what it negotiated before.
func TestDevicesResume(t *testing.T) {
	for mode, kind := range map[string]transport.Kind{client.TCP: tcp, client.QUIC: quic} {
		t.Run(mode, func(t *testing.T) {
			s := onSockets(t, mode, nil)
			p := s.welcomed(t, kind)
			if p.conn.TLS().DidResume {
				t.Error("there was nothing to resume")
			}
			// The ticket comes some time behind the handshake.
			for range 5 {
				p.closeWith(wire.CloseShutdown)
				if p = s.welcomed(t, kind); p.conn.TLS().DidResume {
					return
				}
			}
			t.Error("not resumed")
		})
	}
}
