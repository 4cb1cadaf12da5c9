package transport

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
)

// crypto/tls keeps its read buffer for the life of a connection, as large as
// it ever was: 576 bytes where every record is no longer, and arrives whole and
// in a read of its own; twice or four times that where the kilobyte of a
// ClientHello with a post-quantum key share came first, or a record in two
// reads. So records are handed over one by one, and a large ClientHello in
// several records, which TLS allows (RFC 8446, 5.1).

const (
	recordHeader    = 5
	recordHandshake = 22
	// maxRecord is the greatest payload of a record, 2^14 and what encryption
	// adds.
	maxRecord = 16<<10 + 256
	// helloPiece is the greatest record that is made of a ClientHello.
	helloPiece = 384
	// shaperBuffer is what a shaper begins with: most of what a client says
	// before it is idle.
	shaperBuffer = 1 << 10
)

// shaper hands a client's records on in reads that suit crypto/tls.
type shaper struct {
	buf   []byte // read and not handed on
	whole int    // how much of buf may be handed on by the next Read
	hello bool   // the first record has passed
	loose bool   // what comes is no TLS, or the end of it: it passes as it is
	turn  *turn  // nil after the handshake
}

func newShaper() *shaper { return &shaper{buf: make([]byte, 0, shaperBuffer)} }

// shaperOf goes on behind a client's hello, with what was read.
func shaperOf(p []byte) *shaper {
	return &shaper{buf: append(make([]byte, 0, max(len(p), recordHeader)), p...), hello: true}
}

// isRecord reports whether p is one record, whole.
func isRecord(p []byte) bool {
	return len(p) >= recordHeader && len(p) == recordHeader+int(binary.BigEndian.Uint16(p[3:]))
}

// empty reports whether everything that was read has been handed on.
func (s *shaper) empty() bool { return len(s.buf) == 0 }

// read is Read of src.
func (s *shaper) read(src io.Reader, p []byte) (int, error) {
	for s.whole == 0 {
		if s.next() {
			break
		}
		if err := s.fill(src); err != nil {
			return 0, err
		}
	}
	n := copy(p, s.buf[:s.whole])
	s.whole -= n
	s.buf = s.buf[:copy(s.buf, s.buf[n:])]
	return n, nil
}

// next looks for a record that is complete.
func (s *shaper) next() bool {
	if s.loose {
		s.whole = len(s.buf)
		return s.whole > 0
	}
	if len(s.buf) < recordHeader {
		return false
	}
	length := int(binary.BigEndian.Uint16(s.buf[3:]))
	if length > maxRecord || !s.hello && s.buf[0] != recordHandshake {
		s.loose = true // crypto/tls says what is wrong with it
		return s.next()
	}
	if len(s.buf) < recordHeader+length {
		return false
	}
	if !s.hello {
		s.hello = true
		s.split(length)
		return s.next()
	}
	s.whole = recordHeader + length
	return true
}

// split makes several records of the first one, where it is large.
func (s *shaper) split(length int) {
	if length <= helloPiece {
		return
	}
	first, rest := s.buf[recordHeader:recordHeader+length], s.buf[recordHeader+length:]
	out := make([]byte, 0, len(s.buf)+length/helloPiece*recordHeader)
	for len(first) > 0 {
		n := min(len(first), helloPiece)
		out = append(out, s.buf[0], s.buf[1], s.buf[2], byte(n>>8), byte(n))
		out = append(out, first[:n]...)
		first = first[n:]
	}
	s.buf = append(out, rest...)
}

// fill reads more. The room grows as bytes come, not on the word of a length.
func (s *shaper) fill(src io.Reader) error {
	if len(s.buf) == cap(s.buf) {
		s.buf = append(make([]byte, 0, 2*cap(s.buf)), s.buf...)
	}
	s.turn.rest()
	n, err := src.Read(s.buf[len(s.buf):cap(s.buf)])
	s.turn.take()
	s.buf = s.buf[:len(s.buf)+n]
	if err != nil && len(s.buf) > 0 && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.loose = true // src says the same again, behind the last bytes
		return nil
	}
	return err
}
