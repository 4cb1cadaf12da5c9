package wire

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

func equalFields(a, b []field) bool { return slices.Equal(a, b) }

// describe turns a frame into the lines of a vector.
func describe(f Frame) []field {
	fields := []field{{"type", f.Type().String()}}
	add := func(key string, value any) { fields = append(fields, field{key, fmt.Sprint(value)}) }
	switch f := f.(type) {
	case *Ping:
		for i, v := range f.Versions {
			add(fmt.Sprintf("versions.%d.kind", i), describeKind(v.Kind))
			add(fmt.Sprintf("versions.%d.version", i), v.Version)
		}
		if f.Answer {
			add("answer", true)
		}
	case *Ack:
		add("kind", describeKind(f.Kind))
		add("version", f.Version)
	case *Request:
		add("id", f.ID)
		add("timeout_ms", f.Timeout.Milliseconds())
		add("service", f.Service)
		add("method", f.Method)
		add("body", hex.EncodeToString(f.Body))
	case *State:
		add("background", f.Background)
		add("asleep", f.Asleep)
	case *Bye:
		add("logout", f.Logout)
	case *Pong:
		add("interval_ms", f.Interval.Milliseconds())
	case *Notify:
		add("kind", describeKind(f.Kind))
		add("version", f.Version)
		add("previous", f.Previous)
	case *Response:
		add("id", f.ID)
		add("status", uint8(f.Status))
		add("message", f.Message)
		add("body", hex.EncodeToString(f.Body))
	case *Close:
		add("code", uint16(f.Code))
		add("reason", f.Reason)
		if f.ComeBack != nil {
			fields = append(fields, describeMessage("come_back.", f.ComeBack.ProtoReflect())...)
		}
	case *Unknown:
		add("length", f.Length)
	default:
		if body := bodyOf(f); body != nil {
			fields = append(fields, describeMessage("", body.ProtoReflect())...)
		}
	}
	return fields
}

func describeKind(k Kind) string {
	if k.Number > 0 {
		return "#" + strconv.FormatUint(k.Number, 10)
	}
	return k.Name
}

// bodyOf returns the protobuf body of a frame that has one.
func bodyOf(f Frame) proto.Message {
	switch f := f.(type) {
	case *Hello:
		return f.Body
	case *Welcome:
		return f.Body
	case *Network:
		return f.Body
	case *Token:
		return f.Body
	case *GoAway:
		return f.Body
	}
	return nil
}

// describeMessage lists the fields that are set, in the order of the numbers.
func describeMessage(prefix string, m protoreflect.Message) []field {
	var fields []field
	all := m.Descriptor().Fields()
	for i := range all.Len() {
		d := all.Get(i)
		if !m.Has(d) {
			continue
		}
		key := prefix + string(d.Name())
		if !d.IsList() {
			fields = append(fields, describeValue(key, d, m.Get(d))...)
			continue
		}
		for j := range m.Get(d).List().Len() {
			fields = append(fields, describeValue(fmt.Sprintf("%s.%d", key, j), d, m.Get(d).List().Get(j))...)
		}
	}
	return fields
}

func describeValue(key string, d protoreflect.FieldDescriptor, v protoreflect.Value) []field {
	switch d.Kind() {
	case protoreflect.MessageKind:
		return describeMessage(key+".", v.Message())
	case protoreflect.BytesKind:
		return []field{{key, hex.EncodeToString(v.Bytes())}}
	case protoreflect.EnumKind:
		return []field{{key, strconv.Itoa(int(v.Enum()))}}
	default:
		return []field{{key, v.String()}}
	}
}

// build turns the lines of a vector into a frame, and removes them.
func build(t *testing.T, v *vector) Frame {
	t.Helper()
	name, _ := v.take("type")
	in := input{t, v}
	switch name {
	case "Hello":
		return &Hello{buildMessage(t, v, &wirepb.Hello{})}
	case "Ping":
		_, answer := v.take("answer")
		return &Ping{in.versions(), answer}
	case "Ack":
		return &Ack{in.kind("kind"), in.number("version")}
	case "Request":
		return &Request{uint64(in.number("id")), in.millis("timeout_ms"), in.text("service"), in.text("method"), in.hex("body")}
	case "Network":
		return &Network{buildMessage(t, v, &wirepb.Network{})}
	case "State":
		return &State{in.text("background") == "true", in.text("asleep") == "true"}
	case "Token":
		return &Token{buildMessage(t, v, &wirepb.Token{})}
	case "Bye":
		return &Bye{in.text("logout") == "true"}
	case "Welcome":
		return &Welcome{buildMessage(t, v, &wirepb.Welcome{})}
	case "Pong":
		return &Pong{in.millis("interval_ms")}
	case "Notify":
		return &Notify{in.kind("kind"), in.number("version"), in.number("previous")}
	case "Probe":
		return &Probe{}
	case "Response":
		return &Response{uint64(in.number("id")), Status(in.number("status")), in.text("message"), in.hex("body")}
	case "GoAway":
		return &GoAway{buildMessage(t, v, &wirepb.GoAway{})}
	case "Close":
		f := &Close{Code: CloseCode(in.number("code")), Reason: in.text("reason")}
		return in.comeBack(f)
	}
	t.Fatalf("line %d: unknown type %q", v.line, name)
	return nil
}

// input takes typed fields out of a vector.
type input struct {
	t *testing.T
	v *vector
}

// comeBack adds what a vector says of coming back.
func (in input) comeBack(f *Close) *Close {
	rest := *in.v
	rest.fields = nil
	for _, x := range in.v.fields {
		if key, ok := strings.CutPrefix(x.key, "come_back."); ok {
			rest.fields = append(rest.fields, field{key, x.value})
		}
	}
	if len(rest.fields) > 0 {
		f.ComeBack = buildMessage(in.t, &rest, &wirepb.ComeBack{})
		in.v.fields = nil
	}
	return f
}

func (in input) text(key string) string {
	in.t.Helper()
	s, ok := in.v.take(key)
	if !ok {
		in.t.Fatalf("line %d: %q has no %s", in.v.line, in.v.name, key)
	}
	return s
}

func (in input) number(key string) int64 {
	in.t.Helper()
	n, err := strconv.ParseInt(in.text(key), 10, 64)
	if err != nil {
		in.t.Fatal(err)
	}
	return n
}

func (in input) millis(key string) time.Duration {
	return time.Duration(in.number(key)) * time.Millisecond
}

func (in input) hex(key string) []byte {
	in.t.Helper()
	b, err := hex.DecodeString(in.text(key))
	if err != nil {
		in.t.Fatal(err)
	}
	return b
}

func (in input) kind(key string) Kind {
	in.t.Helper()
	s := in.text(key)
	number, found := strings.CutPrefix(s, "#")
	if !found {
		return Kind{Name: s}
	}
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		in.t.Fatal(err)
	}
	return Kind{Number: n}
}

func (in input) versions() []KindVersion {
	var all []KindVersion
	for i := 0; len(in.v.fields) > 0; i++ {
		all = append(all, KindVersion{
			in.kind(fmt.Sprintf("versions.%d.kind", i)), in.number(fmt.Sprintf("versions.%d.version", i)),
		})
	}
	return all
}

// buildMessage sets the fields of m from all lines that are left.
func buildMessage[M proto.Message](t *testing.T, v *vector, m M) M {
	t.Helper()
	for _, f := range v.fields {
		setField(t, m.ProtoReflect(), strings.Split(f.key, "."), f.value)
	}
	v.fields = nil
	return m
}

func setField(t *testing.T, m protoreflect.Message, path []string, value string) {
	t.Helper()
	d := m.Descriptor().Fields().ByName(protoreflect.Name(path[0]))
	if d == nil {
		t.Fatalf("%s has no field %s", m.Descriptor().Name(), path[0])
	}
	path = path[1:]
	switch {
	case d.IsList() && d.Message() != nil:
		list := m.Mutable(d).List()
		if strconv.Itoa(list.Len()) == path[0] {
			list.AppendMutable()
		}
		setField(t, list.Get(list.Len()-1).Message(), path[1:], value)
	case d.IsList():
		m.Mutable(d).List().Append(scalar(t, d, value))
	case d.Message() != nil:
		setField(t, m.Mutable(d).Message(), path, value)
	default:
		m.Set(d, scalar(t, d, value))
	}
}

func scalar(t *testing.T, d protoreflect.FieldDescriptor, value string) protoreflect.Value {
	t.Helper()
	switch d.Kind() {
	case protoreflect.BytesKind:
		b, err := hex.DecodeString(value)
		if err != nil {
			t.Fatal(err)
		}
		return protoreflect.ValueOfBytes(b)
	case protoreflect.BoolKind:
		return protoreflect.ValueOfBool(value == "true")
	case protoreflect.StringKind:
		return protoreflect.ValueOfString(value)
	}
	n, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	if d.Kind() == protoreflect.EnumKind {
		return protoreflect.ValueOfEnum(protoreflect.EnumNumber(n))
	}
	return protoreflect.ValueOfInt64(n)
}
