package node_test

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// The frames of the specification in gateway/wire/wire.go, read and written
// with nothing but that text: TestSpecificationStandsAlone holds this file to
// the standard library.

var errSpec = errors.New("not as specified")

// specFrame is one frame, its payload not looked into.
type specFrame struct {
	kind    byte
	payload []byte
}

// specMaxPayload is the greatest payload of an edge.
const specMaxPayload = 65536

func specAppendVarint(b []byte, n uint64) []byte {
	switch {
	case n < 1<<6:
		return append(b, byte(n))
	case n < 1<<14:
		return binary.BigEndian.AppendUint16(b, uint16(n)|1<<14)
	case n < 1<<30:
		return binary.BigEndian.AppendUint32(b, uint32(n)|2<<30)
	default:
		return binary.BigEndian.AppendUint64(b, n|3<<62)
	}
}

func specReadVarint(r io.ByteReader) (uint64, error) {
	first, err := r.ReadByte()
	if err != nil {
		return 0, err
	}
	n := uint64(first & 0x3f)
	for range 1<<(first>>6) - 1 {
		next, err := r.ReadByte()
		if err != nil {
			return 0, err
		}
		n = n<<8 | uint64(next)
	}
	return n, nil
}

func specReadFrame(r *bufio.Reader) (specFrame, error) {
	kind, err := r.ReadByte()
	if err != nil {
		return specFrame{}, err
	}
	length, err := specReadVarint(r)
	if err != nil {
		return specFrame{}, err
	}
	if length > specMaxPayload {
		return specFrame{}, fmt.Errorf("%w: a payload of %d bytes", errSpec, length)
	}
	f := specFrame{kind, make([]byte, length)}
	_, err = io.ReadFull(r, f.payload)
	return f, err
}

func (f specFrame) append(b []byte) []byte {
	b = append(b, f.kind)
	b = specAppendVarint(b, uint64(len(f.payload)))
	return append(b, f.payload...)
}

// specFields takes the fields of a payload one after the other; after the
// first that is not there every other is empty and err is set.
type specFields struct {
	left []byte
	err  error
}

// ReadByte lets specReadVarint read from the payload.
func (f *specFields) ReadByte() (byte, error) {
	if len(f.left) == 0 {
		return 0, io.ErrUnexpectedEOF
	}
	b := f.left[0]
	f.left = f.left[1:]
	return b, nil
}

func (f *specFields) varint(least, most uint64) uint64 {
	if f.err != nil {
		return 0
	}
	n, err := specReadVarint(f)
	if err == nil && (n < least || n > most) {
		err = fmt.Errorf("%w: %d is not within %d and %d", errSpec, n, least, most)
	}
	f.err = err
	return n
}

const (
	specMaxVersion = 1<<53 - 1
	specMaxMillis  = 604800000
	specMaxVarint  = 1<<62 - 1
)

func (f *specFields) bytes() []byte {
	n := f.varint(0, specMaxVarint)
	if f.err == nil && n > uint64(len(f.left)) {
		f.err = io.ErrUnexpectedEOF
	}
	if f.err != nil {
		return nil
	}
	b := f.left[:n]
	f.left = f.left[n:]
	return b
}

func (f *specFields) text() string {
	b := f.bytes()
	if f.err == nil && (len(b) > 256 || !utf8.Valid(b)) {
		f.err = fmt.Errorf("%w: text", errSpec)
	}
	return string(b)
}

// kind returns the number in Welcome, or 0 and the name.
func (f *specFields) kind() (uint64, string) {
	number := f.varint(0, 64)
	if number > 0 || f.err != nil {
		return number, ""
	}
	name := string(f.bytes())
	if f.err == nil && !specIsID(name) {
		f.err = fmt.Errorf("%w: id", errSpec)
	}
	return 0, name
}

func specIsID(s string) bool {
	for _, c := range []byte(s) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '_', c == '-':
		default:
			return false
		}
	}
	return len(s) >= 1 && len(s) <= 64
}

func specAppendBytes[T string | []byte](b []byte, s T) []byte {
	return append(specAppendVarint(b, uint64(len(s))), s...)
}
