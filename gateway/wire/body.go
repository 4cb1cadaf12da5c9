package wire

import (
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
)

// parseBody parses a protobuf payload into m. Fields that this version does
// not know are dropped.
func parseBody(payload []byte, m proto.Message) error {
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, m); err != nil {
		return &malformed{"body: " + err.Error(), nil}
	}
	return nil
}

// appendBody appends m. Field by field in the order of their numbers, so that
// equal bodies are equal bytes.
func appendBody(b []byte, m proto.Message) []byte {
	options := proto.MarshalOptions{Deterministic: true}
	out, err := options.MarshalAppend(b, m)
	if err == nil {
		return out
	}
	// The one thing that cannot be encoded is text that is not UTF-8. Of an
	// application's own version string that is no reason to stay offline.
	m = proto.Clone(m)
	repairText(m.ProtoReflect())
	out, err = options.MarshalAppend(b, m)
	if err != nil {
		return b
	}
	return out
}

// repairText replaces what is not UTF-8 in the strings of m and of the
// messages in it.
func repairText(m protoreflect.Message) {
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.IsList():
			repairList(field, v.List())
		case field.Kind() == protoreflect.StringKind:
			m.Set(field, validText(v))
		case field.Message() != nil:
			repairText(v.Message())
		}
		return true
	})
}

func repairList(field protoreflect.FieldDescriptor, list protoreflect.List) {
	for i := range list.Len() {
		switch {
		case field.Kind() == protoreflect.StringKind:
			list.Set(i, validText(list.Get(i)))
		case field.Message() != nil:
			repairText(list.Get(i).Message())
		}
	}
}

func validText(v protoreflect.Value) protoreflect.Value {
	return protoreflect.ValueOfString(strings.ToValidUTF8(v.String(), "\uFFFD"))
}
