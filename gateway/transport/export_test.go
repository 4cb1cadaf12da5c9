package transport

// KillQUIC takes a QUIC listener's sockets away, as the end of its process
// does.
func KillQUIC(l Listener) {
	for _, w := range l.(*quicListener).workers {
		_ = w.socket.Close()
	}
}

// ConnsPerWorker tells how many connections each worker of a QUIC listener has
// taken.
func ConnsPerWorker(l Listener) []int64 {
	var n []int64
	for _, w := range l.(*quicListener).workers {
		n = append(n, w.taken.Load())
	}
	return n
}

// ShakingHands tells how many handshakes a TCP listener has under way.
func ShakingHands(l Listener) int { return l.(*tcpListener).busy.count() }
