package transport

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"syscall"
)

// bothTries bounds the search for a port that is free on TCP and on UDP.
const bothTries = 64

// Listen listens on the transports of kinds, TCP, QUIC or both, at the same port
// number.
func Listen(cfg ListenConfig, kinds ...Kind) ([]Listener, error) {
	if slices.Contains(kinds, TCP) && slices.Contains(kinds, QUIC) {
		tcp, quic, err := ListenBoth(cfg)
		if err != nil {
			return nil, err
		}
		return []Listener{tcp, quic}, nil
	}
	listen := ListenTCP
	if slices.Contains(kinds, QUIC) {
		listen = ListenQUIC
	}
	l, err := listen(cfg)
	if err != nil {
		return nil, err
	}
	return []Listener{l}, nil
}

// ListenBoth listens on TCP and on QUIC at the same port number. With port 0
// it looks for one that is free on both.
func ListenBoth(cfg ListenConfig) (tcp, quic Listener, err error) {
	host, port, err := net.SplitHostPort(cfg.Addr)
	if err != nil {
		return nil, nil, fmt.Errorf("transport: address %q must be host:port: %w", cfg.Addr, err)
	}
	for range bothTries {
		tcp, quic, err = listenPair(cfg, host)
		if err == nil || port != "0" || !errors.Is(err, syscall.EADDRINUSE) {
			return tcp, quic, err
		}
	}
	return nil, nil, fmt.Errorf("transport: found no port of %s that is free on tcp and udp: %w", host, err)
}

func listenPair(cfg ListenConfig, host string) (tcp, quic Listener, err error) {
	if tcp, err = ListenTCP(cfg); err != nil {
		return nil, nil, err
	}
	cfg.Addr = net.JoinHostPort(host, strconv.Itoa(int(tcp.Addr().Port())))
	if quic, err = ListenQUIC(cfg); err != nil {
		_ = tcp.Close()
		return nil, nil, err
	}
	return tcp, quic, nil
}
