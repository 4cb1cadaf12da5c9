//go:build !linux

package transport

import (
	"context"
	"net"
)

// maxSockets is how many UDP sockets of one process share a port: only Linux
// can be told which of them a packet is for.
const maxSockets = 1

func openSockets(addr string, _ int) ([]*net.UDPConn, error) {
	var lc net.ListenConfig
	s, err := lc.ListenPacket(context.Background(), "udp", addr)
	if err != nil {
		return nil, err
	}
	return []*net.UDPConn{s.(*net.UDPConn)}, nil
}

func newOwn(s *net.UDPConn, _ [nodeLen]byte) net.PacketConn { return s }
