// Package proxyproto reads the header that a proxy puts before a connection to
// say whose it is: version 2 of the PROXY protocol
// (https://www.haproxy.org/download/3.2/doc/proxy-protocol.txt).
//
//	12  signature    0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a
//	 1  version 2 in the high half, command in the low one: 0 LOCAL, 1 PROXY
//	 1  family in the high half: 0 none, 1 IPv4, 2 IPv6, 3 Unix; transport in
//	    the low one: 0 none, 1 stream, 2 datagram
//	 2  length of what follows, big endian
//	    client's address, proxy's address, client's port, proxy's port
//	    TLVs
//
// Version 1, a line of text, is not read.
package proxyproto

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
)

// MaxLength is the greatest length, in bytes, that a header may name: the
// addresses, and TLVs of which the largest holds a certificate.
const MaxLength = 8 << 10

// ErrHeader is wrapped by the errors of bytes that are no header as described.
var ErrHeader = errors.New("no header of the PROXY protocol, version 2")

const (
	signature = "\r\n\r\n\x00\r\nQUIT\n"
	fixed     = len(signature) + 4

	local = 0x20
	proxy = 0x21

	unknown  = 0x00
	overTCP4 = 0x11
	overTCP6 = 0x21
	overUnix = 0x31
)

// Read reads a header and nothing behind it, and returns the client's address.
// The zero one means that the connection is the proxy's own, or that the proxy
// does not know. An error wraps ErrHeader, or is r's.
func Read(r io.Reader) (client netip.AddrPort, err error) {
	var head [fixed]byte
	if err := readFull(r, head[:]); err != nil {
		return client, err
	}
	if string(head[:len(signature)]) != signature {
		return client, fmt.Errorf("%w: another signature", ErrHeader)
	}
	command, family := head[len(signature)], head[len(signature)+1]
	rest := int(binary.BigEndian.Uint16(head[len(signature)+2:]))
	if rest > MaxLength {
		return client, fmt.Errorf("%w: %d bytes are too long", ErrHeader, rest)
	}
	var addresses [36]byte
	size, err := addressSize(command, family)
	if err == nil && size > rest {
		err = fmt.Errorf("%w: %d bytes are too short for the addresses", ErrHeader, rest)
	}
	if err != nil {
		return client, err
	}
	if err := readFull(r, addresses[:size]); err != nil {
		return client, err
	}
	if err := skip(r, rest-size); err != nil {
		return client, err
	}
	return source(addresses[:size]), nil
}

// addressSize is how many bytes the addresses take that are to be read.
func addressSize(command, family byte) (int, error) {
	switch {
	case command == local:
		return 0, nil // whatever the family is
	case command != proxy:
		return 0, fmt.Errorf("%w: version and command are %#02x", ErrHeader, command)
	case family == unknown, family == overUnix:
		return 0, nil
	case family == overTCP4:
		return 12, nil
	case family == overTCP6:
		return 36, nil
	}
	return 0, fmt.Errorf("%w: family and transport are %#02x", ErrHeader, family)
}

// source takes the client's out of both addresses.
func source(addresses []byte) netip.AddrPort {
	ip := (len(addresses) - 4) / 2
	if ip < 0 {
		return netip.AddrPort{}
	}
	addr, _ := netip.AddrFromSlice(addresses[:ip])
	return netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(addresses[2*ip:]))
}

// skip reads n bytes and forgets them.
func skip(r io.Reader, n int) error {
	var buf [256]byte
	for n > 0 {
		part := buf[:min(n, len(buf))]
		if err := readFull(r, part); err != nil {
			return err
		}
		n -= len(part)
	}
	return nil
}

// readFull takes an end in the middle for one that came too early.
func readFull(r io.Reader, p []byte) error {
	_, err := io.ReadFull(r, p)
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
