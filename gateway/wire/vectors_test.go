package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strconv"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// vector is one paragraph of testdata/vectors.txt.
type vector struct {
	line   int
	what   string // the key of the first line: frame, bad, ...
	name   string
	fields []field
}

type field struct{ key, value string }

// take removes the first field of that key and returns its value.
func (v *vector) take(key string) (string, bool) {
	for i, f := range v.fields {
		if f.key == key {
			v.fields = append(v.fields[:i:i], v.fields[i+1:]...)
			return f.value, true
		}
	}
	return "", false
}

func (v *vector) bytes(t *testing.T, key string) []byte {
	t.Helper()
	s, ok := v.take(key)
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if !ok || err != nil {
		t.Fatalf("line %d: %q has no good %s: %v", v.line, v.name, key, err)
	}
	return b
}

func readVectors(t testing.TB) []vector {
	t.Helper()
	file, err := os.Open("testdata/vectors.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var all []vector
	open := false
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch key, value, _ := strings.Cut(line, " "); {
		case line == "":
			open = false
		case strings.HasPrefix(line, "#"):
		case !open:
			all = append(all, vector{line: n, what: key, name: value})
			open = true
		default:
			last := &all[len(all)-1]
			last.fields = append(last.fields, field{key, value})
		}
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestVectors(t *testing.T) {
	tests := map[string]func(*testing.T, vector){
		"frame":  testFrameVector,
		"bad":    testBadVector,
		"body":   testBodyVector,
		"stream": testStreamVector,
		"varint": testVarintVector,
		"id":     testIDVector,
	}
	seen := map[string]int{}
	for _, v := range readVectors(t) {
		test := tests[v.what]
		if test == nil {
			t.Fatalf("line %d: unknown kind of vector %q", v.line, v.what)
		}
		seen[v.what]++
		t.Run(v.what+"/"+v.name, func(t *testing.T) { test(t, v) })
	}
	for what := range tests {
		if seen[what] == 0 {
			t.Errorf("no vector of kind %q", what)
		}
	}
}

func testFrameVector(t *testing.T, v vector) {
	from, _ := v.take("from")
	raw := v.bytes(t, "hex")
	_, decodeOnly := v.take("decode-only")

	reader := NewReader(bytes.NewReader(raw), MaxPayload)
	f, err := reader.Next()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reader.Next(); err != io.EOF {
		t.Errorf("after the frame: %v, want the end", err)
	}
	if f.Type().FromDevice() != (from == "device") {
		t.Errorf("%v is not from %s", f.Type(), from)
	}
	if got := describe(f); !equalFields(got, v.fields) {
		t.Errorf("decoded to\n%v\nwant\n%v", got, v.fields)
	}
	if decodeOnly {
		return
	}
	built := build(t, &v)
	if len(v.fields) > 0 {
		t.Errorf("fields left over: %v", v.fields)
	}
	if got := Append(nil, built); !bytes.Equal(got, raw) {
		t.Errorf("encoded to\n%x\nwant\n%x", got, raw)
	}
}

func testBadVector(t *testing.T, v vector) {
	from, _ := v.take("from")
	raw := v.bytes(t, "hex")
	name, _ := v.take("error")
	want := map[string]error{"malformed": ErrMalformed, "too-large": ErrTooLarge, "truncated": io.ErrUnexpectedEOF}[name]
	if want == nil {
		t.Fatalf("unknown error %q", name)
	}
	f, err := NewReader(bytes.NewReader(raw), MaxPayload).Next()
	if !errors.Is(err, want) {
		t.Errorf("got %+v and error %v, want %v", f, err, want)
	}
	if len(raw) > 0 && Type(raw[0]).FromDevice() != (from == "device") {
		t.Errorf("0x%x is not from %s", raw[0], from)
	}
}

func testBodyVector(t *testing.T, v vector) {
	raw := v.bytes(t, "hex")
	name, _ := v.take("type")
	message := map[string]proto.Message{"SyncRequest": &wirepb.SyncRequest{}, "SyncResponse": &wirepb.SyncResponse{}}[name]
	if message == nil {
		t.Fatalf("unknown body %q", name)
	}
	if err := proto.Unmarshal(raw, message); err != nil {
		t.Fatal(err)
	}
	if got := describeMessage("", message.ProtoReflect()); !equalFields(got, v.fields) {
		t.Errorf("decoded to\n%v\nwant\n%v", got, v.fields)
	}
	proto.Reset(message)
	buildMessage(t, &v, message)
	if got := appendBody(nil, message); !bytes.Equal(got, raw) {
		t.Errorf("encoded to\n%x\nwant\n%x", got, raw)
	}
}

func testStreamVector(t *testing.T, v vector) {
	reader := NewReader(bytes.NewReader(v.bytes(t, "hex")), MaxPayload)
	for _, want := range v.fields {
		f, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if got := describe(f)[0]; got != want {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	if f, err := reader.Next(); err != io.EOF {
		t.Errorf("got %+v and %v, want the end", f, err)
	}
}

func testVarintVector(t *testing.T, v vector) {
	raw := v.bytes(t, "hex")
	want, _ := v.take("value")
	_, decodeOnly := v.take("decode-only")
	got, n := varint(raw)
	if n != len(raw) || strconv.FormatUint(got, 10) != want {
		t.Errorf("decoded to %d from %d bytes, want %s from %d", got, n, want, len(raw))
	}
	if encoded := appendVarint(nil, got); !decodeOnly && !bytes.Equal(encoded, raw) {
		t.Errorf("encoded to %x, want %x", encoded, raw)
	}
}

func testIDVector(t *testing.T, v vector) {
	raw := v.bytes(t, "hex")
	want, _ := v.take("valid")
	if got := ValidID(string(raw)); strconv.FormatBool(got) != want {
		t.Errorf("ValidID(%q) = %v, want %s", raw, got, want)
	}
}
