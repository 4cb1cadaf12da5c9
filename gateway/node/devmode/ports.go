package devmode

import (
	"fmt"
	"net"
)

// FreeAddrs finds n loopback addresses whose ports nobody uses, neither on
// TCP nor on UDP. They are held together while it looks, so that all differ,
// and released on return: whoever needs one takes it soon.
func FreeAddrs(n int) ([]string, error) {
	var held []interface{ Close() error }
	defer func() {
		for _, h := range held {
			_ = h.Close()
		}
	}()
	var addrs []string
	for tries := 0; len(addrs) < n; tries++ {
		if tries > 20*n {
			return nil, fmt.Errorf("found only %d of %d free loopback ports", len(addrs), n)
		}
		tcp, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("look for a free port: %w", err)
		}
		held = append(held, tcp)
		udp, err := net.ListenPacket("udp", tcp.Addr().String())
		if err != nil {
			continue // taken on UDP
		}
		held = append(held, udp)
		addrs = append(addrs, tcp.Addr().String())
	}
	return addrs, nil
}
