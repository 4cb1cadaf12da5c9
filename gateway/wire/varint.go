package wire

import "encoding/binary"

// maxVarint is the greatest number a varint holds.
const maxVarint = 1<<62 - 1

// appendVarint appends v as a varint of RFC 9000, section 16, in its
// shortest form. A v above maxVarint is no legal value of any field: it is
// written as maxVarint, which every parser refuses.
func appendVarint(b []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(b, byte(v))
	case v < 1<<14:
		return binary.BigEndian.AppendUint16(b, uint16(v)|1<<14)
	case v < 1<<30:
		return binary.BigEndian.AppendUint32(b, uint32(v)|2<<30)
	default:
		return binary.BigEndian.AppendUint64(b, min(v, maxVarint)|3<<62)
	}
}

// varint reads the varint at the start of b and returns it with its length.
// The length is 0 if b ends before the varint does.
func varint(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	n = 1 << (b[0] >> 6)
	if len(b) < n {
		return 0, 0
	}
	v = uint64(b[0] & 0x3f)
	for _, c := range b[1:n] {
		v = v<<8 | uint64(c)
	}
	return v, n
}
