package transport

import "github.com/quic-go/quic-go"

const (
	// edgeWindow holds one frame of the greatest length and some more. Devices
	// send little.
	edgeWindow = 96 << 10
	// deviceWindow lets a page of a sync arrive without waiting for credit.
	deviceWindow = 256 << 10
)

// edgeConfig allows a device one bidirectional stream for the life of its
// connection. No keepalive: the heartbeat is the application's. No search for
// the path's greatest packet either: a phone's radio would wake up for packets
// that carry nothing, and what an edge sends is small.
func edgeConfig(cfg ListenConfig) *quic.Config {
	return &quic.Config{
		// The only one whose long headers the sockets' filter knows.
		Versions: []quic.Version{quic.Version1},
		// quic-go allows a handshake that makes progress twice this time.
		HandshakeIdleTimeout:           cfg.HandshakeTimeout / 2,
		MaxIdleTimeout:                 cfg.IdleTimeout,
		InitialStreamReceiveWindow:     edgeWindow,
		MaxStreamReceiveWindow:         edgeWindow,
		InitialConnectionReceiveWindow: edgeWindow,
		MaxConnectionReceiveWindow:     edgeWindow,
		MaxIncomingStreams:             1,
		MaxIncomingUniStreams:          -1,
		RequireStreamCreditRelease:     true,
		DisablePathMTUDiscovery:        true,
		Allow0RTT:                      true, // see Listener
	}
}

func deviceConfig() *quic.Config {
	return &quic.Config{
		HandshakeIdleTimeout:           DefaultHandshakeTimeout,
		MaxIdleTimeout:                 DefaultIdleTimeout,
		InitialStreamReceiveWindow:     deviceWindow,
		MaxStreamReceiveWindow:         deviceWindow,
		InitialConnectionReceiveWindow: deviceWindow,
		MaxConnectionReceiveWindow:     deviceWindow,
		MaxIncomingStreams:             -1,
		MaxIncomingUniStreams:          -1,
	}
}
