package wire

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// The bytes of every frame, written by hand from the specification.
var literal = []struct {
	frame Frame
	bytes string
}{
	{&Hello{&wirepb.Hello{Token: "t"}}, "\x01\x03\x0a\x01t"},
	{&Ping{}, "\x02\x00"},
	{&Ping{Versions: []KindVersion{{Kind{Number: 1}, 42}, {Kind{Name: "ab"}, 63}}}, "\x02\x08\x02\x01\x2a\x00\x02ab\x3f"},
	{&Ack{Kind{Number: 1}, 42}, "\x03\x02\x01\x2a"},
	{&Ack{Kind{Name: "ab"}, 64}, "\x03\x06\x00\x02ab\x40\x40"},
	{&Ack{Kind{Number: 64}, MaxVersion}, "\x03\x0a\x40\x40\xc0\x1f\xff\xff\xff\xff\xff\xff"},
	{&Request{1, 2 * time.Second, "sync", "m", []byte("hi")}, "\x04\x0d\x01\x47\xd0\x04sync\x01m\x02hi"},
	{&Network{&wirepb.Network{Radio: wirepb.Radio_RADIO_4G}}, "\x05\x02\x08\x04"},
	{&State{}, "\x06\x01\x00"},
	{&State{Background: true}, "\x06\x01\x01"},
	{&Token{&wirepb.Token{Token: "t", PushToken: "p"}}, "\x07\x06\x0a\x01t\x12\x01p"},
	{&Bye{}, "\x08\x01\x00"},
	{&Bye{Logout: true}, "\x08\x01\x01"},
	{&Welcome{&wirepb.Welcome{Epoch: 1, Kinds: []string{"m"}}}, "\x41\x05\x08\x01\x32\x01m"},
	{&Pong{}, "\x42\x01\x00"},
	{&Pong{5 * time.Minute}, "\x42\x04\x80\x04\x93\xe0"},
	{&Notify{Kind{Number: 2}, 16384, 16383}, "\x43\x07\x02\x80\x00\x40\x00\x7f\xff"},
	{&Probe{}, "\x44\x00"},
	{&Response{7, StatusNotFound, "no", nil}, "\x45\x06\x07\x04\x02no\x00"},
	{&GoAway{&wirepb.GoAway{SpreadMs: 1, GraceMs: 2, Reason: "r", Cause: wirepb.GoAway_CAUSE_TOKEN_EXPIRED}}, "\x46\x09\x08\x01\x10\x02\x1a\x01r\x20\x01"},
	{&Close{Code: CloseBusy, Reason: "full"}, "\x47\x07\x4b\xbb\x04full"},
	{&Close{CloseBusy, "full", &wirepb.ComeBack{WaitMs: 5, Slot: []byte("x")}}, "\x47\x0c\x4b\xbb\x04full\x08\x05\x12\x01x"},
	{&Unknown{0x3f, 2}, "\x3f\x02\x00\x00"},
}

func TestLiteralFrames(t *testing.T) {
	seen := map[Type]bool{}
	for _, tt := range literal {
		seen[tt.frame.Type()] = true
		if got := Append([]byte("before"), tt.frame); string(got) != "before"+tt.bytes {
			t.Errorf("%v %+v: encoded to\n%q\nwant\n%q", tt.frame.Type(), tt.frame, got[6:], tt.bytes)
		}
		got, err := Parse(Type(tt.bytes[0]), []byte(tt.bytes[2:]))
		if err != nil {
			t.Errorf("%q: %v", tt.bytes, err)
			continue
		}
		if !equalFields(describe(got), describe(tt.frame)) {
			t.Errorf("%q: decoded to\n%v\nwant\n%v", tt.bytes, describe(got), describe(tt.frame))
		}
	}
	for typ := range Type(255) {
		if known(typ) != seen[typ] && typ != 0x3f {
			t.Errorf("%v is known: %v, and has an example: %v", typ, known(typ), seen[typ])
		}
	}
}

// A payload's length grows by a byte or three when it passes 63 and 16383,
// and Append has left room for one.
func TestAppendLengths(t *testing.T) {
	for _, size := range []int{0, 1, 55, 56, 57, 58, 59, 60, 61, 62, 63, 64, 65, 16370, 16376, 16377, 16378, 16384, 16390, MaxBody} {
		body := bytes.Repeat([]byte{0xab}, size)
		raw := Append([]byte{1, 2, 3}, &Response{Body: body})
		f, err := NewReader(bytes.NewReader(raw[3:]), MaxPayload).Next()
		if err != nil {
			t.Errorf("body of %d bytes: %v", size, err)
			continue
		}
		if got := f.(*Response).Body; !bytes.Equal(got, body) {
			t.Errorf("body of %d bytes came back with %d", size, len(got))
		}
	}
}

// A frame with a long length is the same frame.
func TestAppendWide(t *testing.T) {
	if got := AppendWide([]byte("before"), &Ping{}); string(got) != "before\x02\x80\x00\x00\x00" {
		t.Errorf("a Ping is %q", got)
	}
	for _, tt := range literal {
		want, err := NewReader(strings.NewReader(tt.bytes), MaxPayload).Next()
		if err != nil {
			t.Fatal(err)
		}
		raw := AppendWide(nil, tt.frame)
		got, err := NewReader(bytes.NewReader(raw), MaxPayload).Next()
		if err != nil || len(raw) != len(tt.bytes)+3 || !equalFields(describe(got), describe(want)) {
			t.Errorf("%q: decoded to %v, %v", raw, got, err)
		}
	}
}

// MaxBody promises that a frame fits whatever else is in it.
func TestMaxBodyFits(t *testing.T) {
	id, text, body := strings.Repeat("i", 64), strings.Repeat("x", 2*MaxText), make([]byte, MaxBody)
	for _, f := range []Frame{
		&Request{maxVarint, maxDuration, id, id, body},
		&Response{maxVarint, 255, text, body},
	} {
		raw := Append(nil, f)
		if _, err := NewReader(bytes.NewReader(raw), MaxPayload).Next(); err != nil {
			t.Errorf("%v of %d bytes: %v", f.Type(), len(raw), err)
		}
	}
}

func TestTextIsCutAndRepaired(t *testing.T) {
	long := strings.Repeat("x", MaxText-1)
	for in, want := range map[string]string{
		"plain":       "plain",
		"bad \xff":    "bad \uFFFD",
		long + "é":    long,
		long + "y":    long + "y",
		long + "yz":   long + "y",
		"\xff" + long: "\uFFFD" + long[:MaxText-3],
	} {
		f, err := Parse(TypeClose, Append(nil, &Close{Code: CloseBusy, Reason: in})[headerLen(len(want)+4):])
		if err != nil {
			t.Errorf("%q: %v", in, err)
			continue
		}
		if got := f.(*Close).Reason; got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}

func headerLen(payload int) int { return 1 + len(appendVarint(nil, uint64(payload))) }

// Text that is not UTF-8 must not cost the rest of a body.
func TestBodyTextIsRepaired(t *testing.T) {
	raw := Append(nil, &Hello{&wirepb.Hello{Token: "t", AppVersion: "4\xff", Versions: []*wirepb.KindVersion{{Kind: "m", Version: 3}}}})
	f, err := Parse(TypeHello, raw[2:])
	if err != nil {
		t.Fatal(err)
	}
	body := f.(*Hello).Body
	if body.Token != "t" || body.AppVersion != "4\uFFFD" || len(body.Versions) != 1 {
		t.Errorf("came back as %v", body)
	}
}

// Whatever is put into a frame, Append writes a frame: the receiver refuses
// it, and the frames after it stay where they are.
func TestAppendNeverBreaksTheStream(t *testing.T) {
	for _, f := range []Frame{
		&Ack{Kind{Number: 1}, -1},
		&Ack{Kind{Number: 1}, MaxVersion + 1},
		&Ack{Kind{Name: "a b"}, 1},
		&Ack{},
		&Notify{Kind{Number: 1 << 63}, 1, 0},
		&Pong{maxDuration + time.Millisecond},
		&Close{},
		&Welcome{},
	} {
		raw := Append(nil, f)
		if _, err := Parse(f.Type(), raw[headerLen(len(raw)-2):]); !errors.Is(err, ErrMalformed) {
			t.Errorf("%v %+v: parsed with error %v", f.Type(), f, err)
		}
		r := NewReader(bytes.NewReader(append(raw, 2, 0)), MaxPayload)
		r.Next()
		if next, err := r.Next(); err != nil || next.Type() != TypePing {
			t.Errorf("%v %+v: the frame after it is %v, %v", f.Type(), f, next, err)
		}
	}
}

func TestShortTimesDoNotBecomeZero(t *testing.T) {
	for d, want := range map[time.Duration]byte{-1: 0, 0: 0, 1: 1, time.Millisecond: 1, time.Millisecond + 1: 2} {
		if got := Append(nil, &Pong{d}); got[2] != want {
			t.Errorf("%v became %d ms, want %d", d, got[2], want)
		}
	}
}

func TestErrorsSayWhatAndWrap(t *testing.T) {
	for _, tt := range []struct {
		typ     Type
		payload string
		text    string
		is      []error
	}{
		{TypeAck, "\x01\x00", "wire: Ack: malformed: version 0 must be 1 to 9007199254740991", []error{ErrMalformed, ErrVersion}},
		{TypeAck, "\x00\x03a b\x01", `wire: Ack: malformed: kind "a b" must match [A-Za-z0-9_-]{1,64}`, []error{ErrMalformed, ErrID}},
		{TypePong, "", "wire: Pong: malformed: interval is cut short", []error{ErrMalformed}},
		{TypeHello, "\x3a\x05\x0a\x03a b", `wire: Hello: malformed: kind "a b" must match [A-Za-z0-9_-]{1,64}`, []error{ErrMalformed, ErrID}},
	} {
		_, err := Parse(tt.typ, []byte(tt.payload))
		var frame *FrameError
		if !errors.As(err, &frame) || frame.Type != tt.typ || err.Error() != tt.text {
			t.Errorf("Parse(%v, %q) = %v, want %s", tt.typ, tt.payload, err, tt.text)
			continue
		}
		for _, is := range tt.is {
			if !errors.Is(err, is) {
				t.Errorf("%v does not wrap %v", err, is)
			}
		}
	}
}

// The secret parts of a Hello must not get into the log through an error.
func TestErrorsHoldNoSecrets(t *testing.T) {
	raw := Append(nil, &Hello{&wirepb.Hello{Token: "SECRET", PushToken: strings.Repeat("SECRET", 1000), ResumeTicket: []byte("SECRET")}})
	_, err := NewReader(bytes.NewReader(raw), MaxPayload).Next()
	if err == nil || strings.Contains(err.Error(), "SECRET") {
		t.Errorf("got %v", err)
	}
}

// Parse must not keep the payload: sessions read the next frame into it.
func TestParseKeepsNothingOfThePayload(t *testing.T) {
	for _, tt := range literal {
		payload := []byte(tt.bytes[2:])
		f, err := Parse(tt.frame.Type(), payload)
		if err != nil {
			t.Fatal(err)
		}
		before := describe(f)
		for i := range payload {
			payload[i] = 0xee
		}
		if !equalFields(before, describe(f)) {
			t.Errorf("%v changed with its payload: %v", tt.frame.Type(), hex.EncodeToString([]byte(tt.bytes)))
		}
	}
}
