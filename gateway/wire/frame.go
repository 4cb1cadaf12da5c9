package wire

import "encoding/binary"

// Frame is one frame: a pointer to one of this package's frame structs.
type Frame interface {
	// Type returns the frame's first byte.
	Type() Type

	appendPayload(b []byte) []byte
}

// Append appends f, complete with type and length, to b and returns the
// extended slice. It allocates only where b has no room.
//
// Append does not check f: a frame with a field out of its range becomes
// bytes that Parse refuses. Texts longer than MaxText are cut. The payload's
// length is the caller's duty; see MaxBody.
func Append(b []byte, f Frame) []byte {
	b = append(b, byte(f.Type()))
	at := len(b)
	// Most frames are short: leave one byte for the length and move the
	// payload in the rare case that it needs more.
	b = f.appendPayload(append(b, 0))
	n := len(b) - at - 1
	if n < 1<<6 {
		b[at] = byte(n)
		return b
	}
	var length [8]byte
	size := len(appendVarint(length[:0], uint64(n)))
	b = append(b, length[1:size]...)
	copy(b[at+size:], b[at+1:at+1+n])
	copy(b[at:], length[:size])
	return b
}

// AppendWide is Append with a length of four bytes. A device does so on QUIC;
// see the package comment.
func AppendWide(b []byte, f Frame) []byte {
	b = append(b, byte(f.Type()))
	at := len(b)
	b = f.appendPayload(append(b, 0, 0, 0, 0))
	const fourBytes = 2 << 30 // as a varint's first two bits
	binary.BigEndian.PutUint32(b[at:], fourBytes|uint32(len(b)-at-4))
	return b
}

// Parse parses the payload of a frame of type t. A type it does not know
// becomes an *Unknown. It keeps nothing of payload. Its errors are
// *FrameError and wrap ErrMalformed.
func Parse(t Type, payload []byte) (Frame, error) {
	f, err := parse(t, payload)
	if err != nil {
		return nil, &FrameError{Type: t, Err: err}
	}
	return f, nil
}

func parse(t Type, payload []byte) (Frame, error) {
	d := decoder{b: payload}
	switch t {
	case TypeHello:
		return parseHello(payload)
	case TypePing:
		return parsePing(d)
	case TypeAck:
		return parseAck(d)
	case TypeRequest:
		return parseRequest(d)
	case TypeNetwork:
		return parseNetwork(payload)
	case TypeState:
		return parseState(d)
	case TypeToken:
		return parseToken(payload)
	case TypeBye:
		return parseBye(d)
	case TypeWelcome:
		return parseWelcome(payload)
	case TypePong:
		return parsePong(d)
	case TypeNotify:
		return parseNotify(d)
	case TypeProbe:
		return &Probe{}, nil
	case TypeResponse:
		return parseResponse(d)
	case TypeGoAway:
		return parseGoAway(payload)
	case TypeClose:
		return parseClose(d)
	default:
		return &Unknown{T: t, Length: len(payload)}, nil
	}
}

// known reports whether this version of the protocol defines t.
func known(t Type) bool {
	return TypeHello <= t && t <= TypeBye || TypeWelcome <= t && t <= TypeClose
}

// Unknown stands for a frame of a type that this version does not define.
// Whoever receives it ignores it.
type Unknown struct {
	T Type
	// Length is the payload's length in bytes. The payload itself has been
	// skipped.
	Length int
}

// Type returns T.
func (f *Unknown) Type() Type { return f.T }

// appendPayload appends zeros in place of the payload that is not known.
func (f *Unknown) appendPayload(b []byte) []byte {
	return append(b, make([]byte, f.Length)...)
}
