package transport

import "github.com/quic-go/quic-go"

const (
	// connectionIDLen makes even the shortest packet of a device long enough
	// to be answered with a stateless reset after a restart; a reset is never
	// longer than what provoked it.
	connectionIDLen = 16
	// edgeWindow holds one frame of the greatest length and some more. Devices
	// send little.
	edgeWindow = 96 << 10
	// deviceWindow lets a page of a sync arrive without waiting for credit.
	deviceWindow = 256 << 10
)

// edgeConfig allows a device one bidirectional stream for the life of its
// connection. No keepalive: the heartbeat is the application's.
func edgeConfig(cfg ListenConfig) *quic.Config {
	return &quic.Config{
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
