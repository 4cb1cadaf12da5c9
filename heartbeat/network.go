package heartbeat

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// Network names a network, the same on every edge. The zero value is a network
// that nothing is known of.
type Network [16]byte

// maxID is the greatest length of a name that counts; the rest is cut off.
const maxID = 32

// NetworkOf names the network of a device: by its autonomous system where the
// caller knows that, else by the prefix of its address, IPv4 /20 or IPv6 /32;
// for WiFi by the prefix that a household has, /24 or /48, and by the hash
// that the device made of its WiFi's name. What a device claims divides what
// the edge saw and never reaches beyond: no device can speak for a network
// that it is not in.
func NetworkOf(addr netip.Addr, asn uint32, radio Radio, id []byte) Network {
	addr = addr.Unmap()
	if !addr.IsValid() {
		return Network{}
	}
	home := radio == WiFi && len(id) > 0
	var text [4 + 2 + 16 + maxID]byte
	b := text[:0]
	if asn != 0 && !home {
		b = binary.BigEndian.AppendUint32(append(b, 'a'), asn)
	} else {
		prefix, _ := addr.WithZone("").Prefix(prefixBits(addr, home))
		b = append(b, byte(prefix.Bits()))
		b = append(b, prefix.Addr().AsSlice()...)
	}
	if home {
		b = append(b, id[:min(len(id), maxID)]...)
	}
	sum := sha256.Sum256(b)
	return Network(sum[:16])
}

func prefixBits(addr netip.Addr, home bool) int {
	switch {
	case addr.Is4() && home:
		return 24
	case addr.Is4():
		return 20
	case home:
		return 48
	}
	return 32
}
