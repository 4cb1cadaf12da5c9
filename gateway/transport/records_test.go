package transport

import (
	"bytes"
	"io"
	"testing"
)

// pieces is a source that gives out its bytes in reads of the lengths that it
// is told, over and over.
type pieces struct {
	rest    []byte
	lengths []byte
	next    int
}

func (p *pieces) Read(b []byte) (int, error) {
	if len(p.rest) == 0 {
		return 0, io.EOF
	}
	n := len(b)
	if len(p.lengths) > 0 {
		n = min(n, 1+int(p.lengths[p.next%len(p.lengths)]))
		p.next++
	}
	n = copy(b[:n], p.rest)
	p.rest = p.rest[n:]
	return n, nil
}

// shaped returns what a shaper makes of the source, read by read.
func shaped(t *testing.T, src io.Reader, room int) (reads [][]byte) {
	s := newShaper()
	for {
		b := make([]byte, room)
		n, err := s.read(src, b)
		if n > 0 {
			reads = append(reads, b[:n])
		}
		if err == io.EOF {
			if !s.empty() {
				t.Error("the end came before the last bytes")
			}
			return reads
		}
		if err != nil || n == 0 {
			t.Fatalf("read %d, %v", n, err)
		}
	}
}

func record(typ byte, length int) []byte {
	b := append([]byte{typ, 3, 1, byte(length >> 8), byte(length)}, make([]byte, length)...)
	for i := range length {
		b[recordHeader+i] = byte(i)
	}
	return b
}

func TestShaper(t *testing.T) {
	small, large := record(22, 300), record(22, 1500)
	alert, data := record(20, 1), record(23, 500)
	for name, c := range map[string]struct {
		in   [][]byte
		want []int // the lengths of the reads
	}{
		"a small hello":              {[][]byte{small, alert, data}, []int{305, 6, 505}},
		"a large hello":              {[][]byte{large, data}, []int{389, 389, 389, 353, 505}},
		"only the first is split":    {[][]byte{small, large}, []int{305, 600, 600, 305}},
		"not a handshake":            {[][]byte{[]byte("GET / HTTP/1.1\r\n\r\n")}, []int{18}},
		"half of a record":           {[][]byte{small, data[:100]}, []int{305, 100}},
		"half of a header":           {[][]byte{small[:3]}, []int{3}},
		"longer than any record":     {[][]byte{{22, 3, 1, 255, 255, 1, 2, 3}}, []int{8}},
		"an empty record":            {[][]byte{small, {23, 3, 3, 0, 0}, data}, []int{305, 5, 505}},
		"a record of all that it is": {[][]byte{small, record(23, maxRecord)}, append([]int{305}, chunks(recordHeader+maxRecord, 600)...)},
	} {
		for _, lengths := range [][]byte{nil, {0}, {99, 3}} {
			reads := shaped(t, &pieces{rest: bytes.Join(c.in, nil), lengths: lengths}, 600)
			if name == "not a handshake" || name == "longer than any record" || name == "half of a record" {
				continue // as it comes; the fuzzer looks at the bytes
			}
			var got []int
			for _, r := range reads {
				got = append(got, len(r))
			}
			if !equal(got, c.want) {
				t.Errorf("%s, in pieces of %v: reads of %v, want %v", name, lengths, got, c.want)
			}
		}
	}
}

func chunks(n, of int) (out []int) {
	for ; n > 0; n -= of {
		out = append(out, min(n, of))
	}
	return out
}

func equal(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// FuzzShaper: whatever comes, in whatever pieces, passes on unchanged, but for
// the headers within a first handshake record.
func FuzzShaper(f *testing.F) {
	f.Add(append(record(22, 1500), record(23, 20)...), []byte{3}, uint16(500))
	f.Add([]byte("GET / HTTP/1.1"), []byte{}, uint16(1))
	f.Fuzz(func(t *testing.T, in, lengths []byte, room uint16) {
		reads := shaped(t, &pieces{rest: in, lengths: lengths}, 1+int(room))
		if got := bytes.Join(reads, nil); !bytes.Equal(joinHello(got, in), in) {
			t.Errorf("%x became %x", in, got)
		}
	})
}

// joinHello undoes the split of the first record of in.
func joinHello(got, in []byte) []byte {
	if len(in) < recordHeader || in[0] != recordHandshake {
		return got
	}
	length := int(in[3])<<8 | int(in[4])
	if length <= helloPiece || length > maxRecord || len(in) < recordHeader+length {
		return got
	}
	out := bytes.Clone(in[:recordHeader])
	for left := length; left > 0; {
		n := min(left, helloPiece)
		if len(got) < recordHeader+n || !bytes.Equal(got[:3], in[:3]) || int(got[3])<<8|int(got[4]) != n {
			return nil
		}
		out = append(out, got[recordHeader:recordHeader+n]...)
		got, left = got[recordHeader+n:], left-n
	}
	return append(out, got...)
}
