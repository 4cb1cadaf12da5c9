//go:build !linux || unparked

package transport

// ShrinkWriteBuffer lets the socket of an accepted TCP connection take as few
// bytes as the system allows before a write to it blocks.
func ShrinkWriteBuffer(c Conn) error { return c.(*conn).link.(*tcpLink).raw.SetWriteBuffer(1) }

// ProxiedClients is 0: connections keep it themselves.
func ProxiedClients(Listener) int { return 0 }
