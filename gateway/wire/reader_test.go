package wire

import (
	"bytes"
	"errors"
	"io"
	"os"
	"testing"
	"testing/iotest"
)

// A stream with frames of all sizes around those at which the Reader changes
// its way of reading.
func mixedStream() (raw []byte, types []Type) {
	add := func(f Frame) {
		raw = Append(raw, f)
		types = append(types, f.Type())
	}
	for _, size := range []int{0, 1, 50, 55, 56, 57, 58, 59, 60, 63, 64, 65, 100, 127, 128, 1000, 2047, 2048, 2049, 4096, 9000, 20000, MaxBody} {
		add(&Ack{Kind{Number: 1}, int64(size) + 1})
		add(&Response{ID: uint64(size), Body: bytes.Repeat([]byte{byte(size)}, size)})
		add(&Unknown{0x30, size})
		add(&Ping{})
	}
	return raw, types
}

func TestReaderInAnyPieces(t *testing.T) {
	raw, types := mixedStream()
	for name, src := range map[string]io.Reader{
		"whole":         bytes.NewReader(raw),
		"byte by byte":  iotest.OneByteReader(bytes.NewReader(raw)),
		"half":          iotest.HalfReader(bytes.NewReader(raw)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(raw)),
	} {
		r := NewReader(src, MaxPayload)
		for i, want := range types {
			f, err := r.Next()
			if err != nil || f.Type() != want {
				t.Fatalf("%s: frame %d is %v, %v; want %v", name, i, f, err, want)
			}
			if f, ok := f.(*Response); ok && !bytes.Equal(f.Body, bytes.Repeat([]byte{byte(f.ID)}, int(f.ID))) {
				t.Fatalf("%s: frame %d has the wrong body", name, i)
			}
		}
		if _, err := r.Next(); err != io.EOF {
			t.Errorf("%s: ended with %v", name, err)
		}
	}
}

// tired returns a deadline's error before each byte.
type tired struct {
	src   io.Reader
	awake bool
}

func (r *tired) Read(p []byte) (int, error) {
	if r.awake = !r.awake; r.awake {
		return 0, os.ErrDeadlineExceeded
	}
	return r.src.Read(p[:1])
}

// A session's deadline may pass in the middle of a frame without the frame
// being lost.
func TestReaderGoesOnAfterADeadline(t *testing.T) {
	raw, types := mixedStream()
	r := NewReader(&tired{src: bytes.NewReader(raw)}, MaxPayload)
	deadlines := 0
	for i, want := range types {
		f, err := r.Next()
		for ; errors.Is(err, os.ErrDeadlineExceeded); f, err = r.Next() {
			deadlines++
		}
		if err != nil || f.Type() != want {
			t.Fatalf("frame %d is %v, %v; want %v", i, f, err, want)
		}
	}
	if deadlines != len(raw) {
		t.Errorf("%d deadlines for %d bytes", deadlines, len(raw))
	}
}

func TestReaderTruncated(t *testing.T) {
	raw := Append(Append(nil, &Ping{}), &Response{ID: 1, Body: make([]byte, 3000)})
	for end := range len(raw) {
		r := NewReader(bytes.NewReader(raw[:end]), MaxPayload)
		var err error
		for err == nil {
			_, err = r.Next()
		}
		want := io.ErrUnexpectedEOF
		if end == 0 || end == 2 {
			want = io.EOF
		}
		if err != want {
			t.Errorf("cut after %d bytes: %v, want %v", end, err, want)
		}
	}
}

// greedy counts what is taken of an endless source.
type greedy struct{ taken int }

func (g *greedy) Read(p []byte) (int, error) {
	g.taken += len(p)
	return len(p), nil
}

func TestReaderRefusesBeforeReading(t *testing.T) {
	rest := &greedy{}
	for limit, length := range map[int]uint64{0: 1, 10: 11, MaxHelloPayload: MaxHelloPayload + 1, MaxPayload: maxVarint} {
		rest.taken = 0
		header := appendVarint([]byte{byte(TypeHello)}, length)
		_, err := NewReader(io.MultiReader(bytes.NewReader(header), rest), limit).Next()
		var frame *FrameError
		if !errors.As(err, &frame) || frame.Type != TypeHello || !errors.Is(err, ErrTooLarge) {
			t.Errorf("%d bytes with a limit of %d: %v", length, limit, err)
		}
		if rest.taken > readAhead {
			t.Errorf("%d bytes with a limit of %d: took %d bytes", length, limit, rest.taken)
		}
	}
}

func TestReaderLimitChanges(t *testing.T) {
	raw := Append(nil, &Response{Body: make([]byte, 100)})
	r := NewReader(bytes.NewReader(append(raw[:len(raw):len(raw)], raw...)), 105)
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	r.SetMaxPayload(104)
	if _, err := r.Next(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// A length alone must not reserve memory: thousands of connections can say
// 64 KiB and send nothing.
func TestReaderAllocatesForWhatCame(t *testing.T) {
	header := appendVarint([]byte{byte(TypeRequest)}, MaxPayload)
	r := NewReader(bytes.NewReader(append(header, make([]byte, 10)...)), MaxPayload)
	if _, err := r.Next(); err != io.ErrUnexpectedEOF {
		t.Fatal(err)
	}
	if got := cap(r.payload); got > firstChunk {
		t.Errorf("%d bytes reserved for 10", got)
	}
}

type idle struct{}

func (idle) Read([]byte) (int, error) { return 0, nil }

func TestReaderOfASourceThatReturnsNothing(t *testing.T) {
	if _, err := NewReader(idle{}, MaxPayload).Next(); err != io.ErrNoProgress {
		t.Errorf("got %v", err)
	}
}

func TestReaderPassesErrorsOn(t *testing.T) {
	broken := errors.New("broken")
	if _, err := NewReader(iotest.ErrReader(broken), MaxPayload).Next(); err != broken {
		t.Errorf("got %v", err)
	}
}
