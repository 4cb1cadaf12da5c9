//go:build linux && !unparked

package transport

import (
	"reflect"

	"golang.org/x/sys/unix"
)

// ShrinkWriteBuffer lets the socket of an accepted TCP connection take as few
// bytes as the system allows before a write to it blocks.
func ShrinkWriteBuffer(c Conn) error {
	return c.(*parked).sock.Control(func(fd int) error {
		return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_SNDBUF, 1)
	})
}

// ReadBuffer is how much crypto/tls keeps to read into.
func ReadBuffer(c Conn) int {
	return reflect.ValueOf(c.(*parked).tls).Elem().FieldByName("rawInput").FieldByName("buf").Cap()
}

// ProxiedClients is of how many connections a listener keeps what a proxy said.
func ProxiedClients(l Listener) int {
	c := &l.(*tcpListener).door.clients
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.of)
}
