package wire

import (
	"io"
	"slices"
)

const (
	// readAhead is how much a Reader takes at once. Every hot frame fits, so
	// that it costs one Read; and an idle connection keeps no more than this.
	readAhead = 64

	// firstChunk is what a Reader allocates on the mere word of a length, in
	// bytes. More comes only after the bytes themselves.
	firstChunk = 2 << 10

	// maxEmptyReads is how often a source may return nothing and no error.
	maxEmptyReads = 100
)

// Reader reads frames. Only one goroutine may use it at a time.
type Reader struct {
	// Static between calls of Reset.
	src io.Reader

	// Owned by the caller's goroutine.
	max  int
	buf  [readAhead]byte
	r, w int // buf[r:w] is read and not yet used

	// The frame that Next is in the middle of. Next returns to it after an
	// error of src, such as a passed deadline.
	inFrame bool
	typ     Type
	left    int // bytes of the payload to come
	length  int
	payload []byte
}

// NewReader returns a Reader of src that refuses payloads above maxPayload
// bytes. It may read ahead: nobody else may read src from now on.
func NewReader(src io.Reader, maxPayload int) *Reader {
	return &Reader{src: src, max: maxPayload}
}

// Reset makes it a Reader of src as NewReader does.
func (r *Reader) Reset(src io.Reader, maxPayload int) {
	*r = Reader{src: src, max: maxPayload}
}

// Idle reports whether the Reader is between two frames and has nothing of the
// next one. Then another Reader can take its place.
func (r *Reader) Idle() bool { return !r.inFrame && r.r == r.w }

// SetMaxPayload changes the greatest payload, in bytes, from the next frame
// on.
func (r *Reader) SetMaxPayload(n int) { r.max = n }

// Next returns the next frame. A frame of an unknown type is skipped and
// returned as an *Unknown.
//
// It returns io.EOF if src ended between two frames and io.ErrUnexpectedEOF
// if it ended within one, and other errors of src as they are; after those
// Next may be called again and goes on where it stopped. A *FrameError is
// final.
func (r *Reader) Next() (Frame, error) {
	if !r.inFrame {
		if err := r.header(); err != nil {
			return nil, err
		}
	}
	if !known(r.typ) {
		return r.skip()
	}
	if r.payload == nil && r.length <= readAhead {
		return r.small()
	}
	return r.large()
}

// header reads type and length.
func (r *Reader) header() error {
	for {
		if have := r.buf[r.r:r.w]; len(have) > 1 {
			if length, n := varint(have[1:]); n > 0 {
				return r.begin(Type(have[0]), length, 1+n)
			}
		}
		if err := r.fill(); err != nil {
			if err == io.EOF && r.r != r.w {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
}

// begin enters a frame whose header takes the first n bytes of what is
// buffered.
func (r *Reader) begin(t Type, length uint64, n int) error {
	if length > uint64(max(r.max, 0)) {
		return &FrameError{Type: t, Err: &tooLarge{length, r.max}}
	}
	r.r += n
	r.inFrame, r.typ, r.length, r.left, r.payload = true, t, int(length), int(length), nil
	return nil
}

// small parses a payload where it was read.
func (r *Reader) small() (Frame, error) {
	for r.w-r.r < r.length {
		if err := r.fill(); err != nil {
			return nil, within(err)
		}
	}
	payload := r.buf[r.r : r.r+r.length]
	r.r += r.length
	r.inFrame = false
	return Parse(r.typ, payload)
}

// large reads a payload into a buffer of its own, which grows as the bytes
// come.
func (r *Reader) large() (Frame, error) {
	if r.payload == nil {
		r.payload = make([]byte, 0, min(r.length, firstChunk))
		r.take()
	}
	for r.left > 0 {
		if len(r.payload) == cap(r.payload) {
			r.payload = slices.Grow(r.payload, min(r.left, len(r.payload)))
		}
		room := r.payload[len(r.payload):min(cap(r.payload), r.length)]
		n, err := r.read(room)
		r.payload = r.payload[:len(r.payload)+n]
		r.left -= n
		if err != nil && r.left > 0 {
			return nil, within(err)
		}
	}
	payload := r.payload
	r.inFrame, r.payload = false, nil
	return Parse(r.typ, payload)
}

// take moves what has been read ahead to the payload.
func (r *Reader) take() {
	n := min(r.w-r.r, r.left)
	r.payload = append(r.payload, r.buf[r.r:r.r+n]...)
	r.r += n
	r.left -= n
}

// skip passes over the payload of an unknown type.
func (r *Reader) skip() (Frame, error) {
	for {
		n := min(r.w-r.r, r.left)
		r.r += n
		r.left -= n
		if r.left == 0 {
			r.inFrame = false
			return &Unknown{T: r.typ, Length: r.length}, nil
		}
		if err := r.fill(); err != nil {
			return nil, within(err)
		}
	}
}

// fill reads ahead at least one byte.
func (r *Reader) fill() error {
	r.w = copy(r.buf[:], r.buf[r.r:r.w])
	r.r = 0
	n, err := r.read(r.buf[r.w:])
	r.w += n
	if n > 0 {
		return nil
	}
	return err
}

// read is src.Read that never returns nothing without an error.
func (r *Reader) read(p []byte) (int, error) {
	for range maxEmptyReads {
		if n, err := r.src.Read(p); n > 0 || err != nil {
			return n, err
		}
	}
	return 0, io.ErrNoProgress
}

// within is an error of the source in the middle of a frame.
func within(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
