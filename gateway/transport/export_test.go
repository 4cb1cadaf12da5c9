package transport

// KillQUIC takes a QUIC listener's socket away, as the end of its process
// does.
func KillQUIC(l Listener) { _ = l.(*quicListener).socket.Close() }
