package devmode

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strconv"
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

// The ports below those that systems give to outgoing connections: from 32768
// on Linux, from 49152 elsewhere.
const (
	lowPort  = 20_000
	highPort = 32_000
)

// KeepAddrs finds n loopback addresses that also stay free while nobody
// listens there, for a process that is to come back on its own port: no
// outgoing connection can be given one of them meanwhile.
func KeepAddrs(n int) ([]string, error) {
	var addrs []string
	for _, i := range rand.Perm(highPort - lowPort) {
		if len(addrs) == n {
			return addrs, nil
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(lowPort+i))
		if free(addr) {
			addrs = append(addrs, addr)
		}
	}
	return nil, fmt.Errorf("found only %d of %d free loopback ports between %d and %d: end what listens there", len(addrs), n, lowPort, highPort)
}

// free reports whether nobody uses an address on TCP or UDP.
func free(addr string) bool {
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return false
	}
	udp, err := net.ListenPacket("udp", addr)
	if err != nil {
		_ = tcp.Close()
		return false
	}
	return errors.Join(tcp.Close(), udp.Close()) == nil
}
