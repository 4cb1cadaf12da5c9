package wire

import (
	"bytes"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"
)

// addVectors seeds a fuzz target with the payloads of one type.
func addVectors(f *testing.F, typ Type) {
	for _, v := range readVectors(f) {
		if v.what != "frame" && v.what != "bad" {
			continue
		}
		raw := hexOf(v)
		if len(raw) == 0 || Type(raw[0]) != typ {
			continue
		}
		if _, n := varint(raw[1:]); n > 0 {
			f.Add(raw[1+n:])
		}
	}
}

func hexOf(v vector) []byte {
	var raw []byte
	for _, f := range v.fields {
		if f.key != "hex" {
			continue
		}
		for _, pair := range strings.Fields(f.value) {
			var c byte
			for _, digit := range []byte(pair) {
				c = c<<4 | byte(strings.IndexByte("0123456789abcdef", digit))
			}
			raw = append(raw, c)
		}
	}
	return raw
}

// fuzzType checks the parser of a type: what it accepts is written as bytes
// that it accepts again as the same, and from then on nothing changes.
func fuzzType(f *testing.F, typ Type) {
	addVectors(f, typ)
	f.Fuzz(func(t *testing.T, payload []byte) {
		first, err := Parse(typ, payload)
		if err != nil {
			var frame *FrameError
			if !errors.As(err, &frame) || !errors.Is(err, ErrMalformed) || first != nil {
				t.Fatalf("got %v and %v", first, err)
			}
			return
		}
		raw := first.appendPayload(nil)
		second, err := Parse(typ, raw)
		if err != nil {
			t.Fatalf("%v becomes % x, which is refused: %v", describe(first), raw, err)
		}
		if !equalFields(describe(first), describe(second)) {
			t.Fatalf("%v becomes %v", describe(first), describe(second))
		}
		if again := second.appendPayload(nil); !bytes.Equal(raw, again) {
			t.Fatalf("% x becomes % x", raw, again)
		}
	})
}

func FuzzHello(f *testing.F)    { fuzzType(f, TypeHello) }
func FuzzPing(f *testing.F)     { fuzzType(f, TypePing) }
func FuzzAck(f *testing.F)      { fuzzType(f, TypeAck) }
func FuzzRequest(f *testing.F)  { fuzzType(f, TypeRequest) }
func FuzzNetwork(f *testing.F)  { fuzzType(f, TypeNetwork) }
func FuzzState(f *testing.F)    { fuzzType(f, TypeState) }
func FuzzToken(f *testing.F)    { fuzzType(f, TypeToken) }
func FuzzBye(f *testing.F)      { fuzzType(f, TypeBye) }
func FuzzWelcome(f *testing.F)  { fuzzType(f, TypeWelcome) }
func FuzzPong(f *testing.F)     { fuzzType(f, TypePong) }
func FuzzNotify(f *testing.F)   { fuzzType(f, TypeNotify) }
func FuzzProbe(f *testing.F)    { fuzzType(f, TypeProbe) }
func FuzzResponse(f *testing.F) { fuzzType(f, TypeResponse) }
func FuzzGoAway(f *testing.F)   { fuzzType(f, TypeGoAway) }
func FuzzClose(f *testing.F)    { fuzzType(f, TypeClose) }

// FuzzReader: a stream read in one piece and byte by byte is the same frames
// and the same end.
func FuzzReader(f *testing.F) {
	for _, v := range readVectors(f) {
		f.Add(hexOf(v))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		whole := NewReader(bytes.NewReader(raw), MaxHelloPayload)
		pieces := NewReader(&tired{src: bytes.NewReader(raw)}, MaxHelloPayload)
		for {
			want, wantErr := whole.Next()
			got, gotErr := pieces.Next()
			for errors.Is(gotErr, os.ErrDeadlineExceeded) {
				got, gotErr = pieces.Next()
			}
			if wantErr != nil {
				if gotErr == nil || gotErr.Error() != wantErr.Error() {
					t.Fatalf("ended with %v, and byte by byte with %v", wantErr, gotErr)
				}
				return
			}
			if gotErr != nil || !equalFields(describe(got), describe(want)) {
				t.Fatalf("got %v, and byte by byte %v, %v", want, got, gotErr)
			}
		}
	})
}

func FuzzID(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.what == "id" {
			f.Add(string(hexOf(v)))
		}
	}
	grammar := regexp.MustCompile(`\A[A-Za-z0-9_-]{1,64}\z`)
	f.Fuzz(func(t *testing.T, s string) {
		if got := ValidID(s); got != grammar.MatchString(s) || got != (CheckID("kind", s) == nil) {
			t.Fatalf("ValidID(%q) = %v, CheckID says %v", s, got, CheckID("kind", s))
		}
	})
}

func FuzzVarint(f *testing.F) {
	for _, v := range readVectors(f) {
		if v.what == "varint" {
			f.Add(hexOf(v))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, n := varint(raw)
		if n == 0 {
			return
		}
		short := appendVarint(nil, v)
		if back, m := varint(short); back != v || m != len(short) || m > n || v > maxVarint {
			t.Fatalf("%d in %d bytes came back as %d in %d", v, n, back, m)
		}
	})
}
