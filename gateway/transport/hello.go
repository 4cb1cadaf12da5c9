package transport

import (
	"encoding/binary"
	"io"
)

// A ClientHello with a post-quantum key share is a record of more than a
// kilobyte, for which crypto/tls makes buffers that it keeps for the life of
// the connection. The same bytes in several records, which TLS allows (RFC
// 8446, 5.1), cost an idle connection almost 2 KB less.

const (
	recordHeader    = 5
	recordHandshake = 22
	// maxRecord is the greatest plaintext of a record.
	maxRecord = 16 << 10
	// helloPiece is the greatest record that is made of a hello.
	helloPiece = 384
)

// helloSplitter passes on the first record of a client in pieces.
type helloSplitter struct {
	header [recordHeader]byte
	have   int    // of header
	record []byte // the payload; nil: not known how long
	filled int
	out    []byte // what is to be passed on
	ready  bool
}

// read is like Read of src, once the first record is complete. What is not a
// handshake record, or is none that TLS allows, passes untouched: crypto/tls
// says what is wrong with it. done means that the rest comes from src alone.
func (h *helloSplitter) read(src io.Reader, p []byte) (n int, done bool, err error) {
	for !h.ready {
		if err := h.fill(src); err != nil {
			// Whoever sent half of a hello has left as one that sent nothing.
			return 0, false, err
		}
	}
	n = copy(p, h.out)
	h.out = h.out[n:]
	return n, len(h.out) == 0, nil
}

func (h *helloSplitter) fill(src io.Reader) error {
	if h.have < recordHeader {
		n, err := src.Read(h.header[h.have:])
		if h.have += n; h.have < recordHeader {
			return err
		}
		h.begin()
		return nil
	}
	n, err := src.Read(h.record[h.filled:])
	if h.filled += n; h.filled < len(h.record) {
		return err
	}
	h.split()
	return nil
}

// begin looks at a header that is complete.
func (h *helloSplitter) begin() {
	length := int(binary.BigEndian.Uint16(h.header[3:]))
	if h.header[0] != recordHandshake || length <= helloPiece || length > maxRecord {
		h.out, h.ready = h.header[:], true
		return
	}
	h.record = make([]byte, length)
}

func (h *helloSplitter) split() {
	h.out = make([]byte, 0, len(h.record)+(len(h.record)/helloPiece+1)*recordHeader)
	for rest := h.record; len(rest) > 0; {
		n := min(len(rest), helloPiece)
		h.out = append(h.out, h.header[0], h.header[1], h.header[2], byte(n>>8), byte(n))
		h.out = append(h.out, rest[:n]...)
		rest = rest[n:]
	}
	h.record, h.ready = nil, true
}
