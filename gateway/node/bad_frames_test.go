package node_test

import (
	"testing"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// What a device may get wrong in frames: each is answered with the code that
// says what to do and counted, and others on the edge lose nothing by it.
func TestBadFrames(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{vars: []string{"HAWSER_EDGE_HELLO_TIMEOUT=2s"}})
	healthy := f.connect("carol", "phone", phoneOptions{})
	const refused, closed = "hawser_session_refused_total", "hawser_session_closed_total"
	tests := []struct {
		name    string
		before  bool // before Hello
		bytes   []byte
		code    wire.CloseCode
		counter string
		reason  string // the counter's label
		says    string
	}{
		{"Hello that is not protobuf", true, []byte{0x01, 1, 0xff}, wire.CloseProtocol, refused, "malformed", "Hello: malformed"},
		{"Ping before Hello", true, []byte{0x02, 0}, wire.CloseProtocol, refused, "not_hello", "the first frame must be Hello"},
		{"a Hello of 8193 bytes", true, []byte{0x01, 0x60, 0x01}, wire.CloseFrameTooLarge, refused, "too_large", "at most 8192 are allowed"},
		{"a Hello of 4 GiB", true, []byte{0x01, 0xc0, 0, 0, 1, 0, 0, 0, 0}, wire.CloseFrameTooLarge, refused, "too_large", "at most 8192 are allowed"},
		{"a frame of the edge before Hello", true, []byte{0x44, 0}, wire.CloseProtocol, refused, "not_hello", "the first frame must be Hello"},
		{"no Hello at all", true, nil, wire.CloseHelloTimeout, refused, "hello_timeout", "no Hello came in time"},
		{"half a Hello", true, []byte{0x01, 3, 0x0a}, wire.CloseHelloTimeout, refused, "hello_timeout", "no Hello came in time"},
		{"an Ack that ends early", false, []byte{0x03, 1, 0x01}, wire.CloseProtocol, closed, "malformed", "Ack: malformed"},
		{"an Ack of version 0", false, []byte{0x03, 2, 0x01, 0}, wire.CloseProtocol, closed, "malformed", "Ack: malformed"},
		{"an Ack of a number without a kind", false, []byte{0x03, 2, 0x3f, 1}, wire.CloseProtocol, closed, "malformed", ""},
		{"a frame of 65537 bytes", false, []byte{0x04, 0x80, 1, 0, 1}, wire.CloseFrameTooLarge, closed, "too_large", "at most 65536 are allowed"},
		{"a frame of the edge", false, []byte{0x42, 1, 0}, wire.CloseProtocol, closed, "wrong_direction", "may not send frames of the edge"},
		{"a second Hello", false, wire.Append(nil, &wire.Hello{Body: &wirepb.Hello{Token: "t"}}), wire.CloseProtocol, closed, "second_hello", "Hello may be said once"},
	}
	for _, test := range tests {
		if t.Failed() {
			break // the others would wait for the same phone in vain
		}
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			f.counts(whole, test.counter+`{reason="`+test.reason+`"}`, 1, func() {
				r := f.dial(whole)
				if !test.before {
					r, _ = f.greeted(whole, "mallory", "phone", nil)
				}
				r.write(test.bytes)
				wantText(t, r.wantClose(test.code), test.says)
			})
			healthy.in(t).hears(test.name)
		})
	}
	t.Run("frames that are not known are passed over", func(t *testing.T) {
		r, _ := f.in(t).greeted(whole, "mallory", "phone", nil)
		r.write([]byte{0x20, 3, 1, 2, 3, 0xbf, 0})
		r.send(&wire.Ping{})
		await[*wire.Pong](r)
	})
	t.Run("a request above the body's limit", func(t *testing.T) {
		r, _ := f.in(t).greeted(whole, "mallory", "phone", nil)
		r.send(&wire.Request{ID: 1, Service: "sync", Method: "messages", Body: make([]byte, wire.MaxBody+1)})
		wantText(t, r.wantClose(wire.CloseProtocol), "at most 65024")
		healthy.in(t).hears("after the large request")
	})
	if n := healthy.connections(); n != 1 {
		t.Errorf("the healthy phone was connected %d times, want once", n)
	}
}
