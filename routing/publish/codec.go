package publish

import (
	"fmt"

	"connectrpc.com/connect"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
)

// maxParts is how many messages a request may be made of, before anything else
// is asked of it: an event has a push, and a push has data.
const maxParts = 4*MaxMany + 16

// boundedCodec reads a request as the library does, but counts first what it
// is made of: an empty event takes two bytes on the wire and a hundred times
// as many in memory, so that a bound of the bytes bounds nothing.
type boundedCodec struct{ name string }

// boundedCodecs take the place of the library's own, by name.
func boundedCodecs() connect.HandlerOption {
	return connect.WithHandlerOptions(connect.WithCodec(boundedCodec{"proto"}),
		connect.WithCodec(boundedCodec{"json"}), connect.WithCodec(boundedCodec{"json; charset=utf-8"}))
}

// Name implements connect.Codec.
func (c boundedCodec) Name() string { return c.name }

// Marshal implements connect.Codec.
func (c boundedCodec) Marshal(m any) ([]byte, error) {
	msg, ok := m.(proto.Message)
	switch {
	case !ok:
		return nil, fmt.Errorf("%T is not a protobuf message", m)
	case c.name == "proto":
		return proto.Marshal(msg)
	}
	return protojson.Marshal(msg)
}

// Unmarshal implements connect.Codec.
func (c boundedCodec) Unmarshal(b []byte, m any) error {
	msg, ok := m.(proto.Message)
	switch {
	case !ok:
		return fmt.Errorf("%T is not a protobuf message", m)
	case c.name == "proto":
		if fields(b) > maxParts {
			return errParts
		}
		return proto.Unmarshal(b, msg)
	}
	if objects(b) > maxParts {
		return errParts
	}
	return protojson.UnmarshalOptions{DiscardUnknown: true}.Unmarshal(b, msg)
}

var errParts = fmt.Errorf("far more events are in the call than the %d that are taken: make several calls", MaxMany)

// fields counts the fields of a message itself, up to one more than maxParts.
// What is malformed ends it.
func fields(b []byte) (n int) {
	for len(b) > 0 && n <= maxParts {
		_, _, size := protowire.ConsumeField(b)
		if size < 0 {
			break
		}
		b = b[size:]
		n++
	}
	return n
}

// objects counts the objects in JSON.
func objects(b []byte) (n int) {
	text := false
	for i := 0; i < len(b); i++ {
		switch {
		case text && b[i] == '\\':
			i++
		case b[i] == '"':
			text = !text
		case b[i] == '{' && !text:
			n++
		}
	}
	return n
}
