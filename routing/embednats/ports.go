package embednats

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"strconv"
)

// The ports below those that systems give to outgoing connections, from 32768
// on Linux and from 49152 elsewhere: nobody's connection can be given one while
// nobody listens there. They are taken in blocks.
const (
	lowPort   = 20_000
	highPort  = 32_000
	blockSize = 32
)

// MaxFreeAddrs is how many addresses one call of FreeAddrs can give.
const MaxFreeAddrs = blockSize - 1

// FreeAddrs finds n loopback addresses, at most MaxFreeAddrs, whose ports
// nobody uses on TCP or UDP, for processes that are told beforehand where to
// listen, and that may come back there. No other caller on the machine is given
// them until release is closed.
func FreeAddrs(n int) (addrs []string, release io.Closer, err error) {
	if n > MaxFreeAddrs {
		return nil, nil, fmt.Errorf("%d loopback addresses are asked for at once, at most %d are given", n, MaxFreeAddrs)
	}
	for _, block := range rand.Perm((highPort - lowPort) / blockSize) {
		first := lowPort + block*blockSize
		// Whoever listens on the block's first port has the block.
		held, err := net.Listen("tcp", loopback(first))
		if err != nil {
			continue
		}
		if addrs := freeIn(first+1, n); len(addrs) == n {
			return addrs, held, nil
		}
		_ = held.Close() // another block serves as well
	}
	return nil, nil, fmt.Errorf("no %d free loopback ports in a row between %d and %d: end what listens there", n, lowPort, highPort)
}

// freeIn returns those of n ports in a row that are free.
func freeIn(first, n int) (addrs []string) {
	for port := first; port < first+n; port++ {
		if addr := loopback(port); IsFree(addr) {
			addrs = append(addrs, addr)
		}
	}
	return addrs
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// IsFree reports whether nobody uses an address, "host:port", on TCP or UDP.
func IsFree(addr string) bool {
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
