package wire

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"testing"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hawser-edge/hawser/gateway/wire/wirepb"
)

// specification returns the comment of wire.go, without its slashes.
func specification(t *testing.T) string {
	t.Helper()
	source, err := os.ReadFile("wire.go")
	if err != nil {
		t.Fatal(err)
	}
	comment, _, _ := strings.Cut(string(source), "\npackage wire")
	return regexp.MustCompile(`(?m)^//[ \t]?`).ReplaceAllString(comment, "")
}

// The tables of the specification and the code name the same things.
func TestSpecificationIsComplete(t *testing.T) {
	spec := specification(t)
	want := func(line string) {
		if !strings.Contains(spec, "\n"+line) {
			t.Errorf("no line begins with %q", line)
		}
	}
	for typ := range Type(255) {
		if known(typ) {
			want(fmt.Sprintf("0x%02x  %-9v  ", uint8(typ), typ))
		}
	}
	for s := range StatusFailedPrecondition + 1 {
		want(fmt.Sprintf("%d %v ", s, s))
	}
	for c := CloseCode(minCloseCode); c <= maxCloseCode; c++ {
		if !strings.HasPrefix(c.String(), "code ") {
			want(fmt.Sprintf("%d %v ", c, c))
		}
	}
	for _, number := range []int64{MaxPayload, MaxHelloPayload, MaxBody, maxDuration.Milliseconds()} {
		if !strings.Contains(spec, fmt.Sprint(number)) {
			t.Errorf("the limit %d is not told", number)
		}
	}
	if !strings.Contains(spec, `"`+ALPN+`"`) {
		t.Error("the ALPN protocol is not told")
	}
}

// The table of protobuf bodies has every field with its number, and no other.
func TestSpecificationOfBodies(t *testing.T) {
	_, table, _ := strings.Cut(specification(t), "# Protobuf bodies")
	table, _, _ = strings.Cut(table, "An enum value")
	start := regexp.MustCompile(`(?m)^([A-Z][A-Za-z]+)  +1 `)
	entry := regexp.MustCompile(`(?:^|\s{2,}|\n)(\d+) ([a-z_]+) `)
	places := start.FindAllStringSubmatchIndex(table, -1)
	told := map[string]bool{}
	for i, at := range places {
		end := len(table)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		message := table[at[2]:at[3]]
		for _, m := range entry.FindAllStringSubmatch(table[at[3]:end], -1) {
			told[fmt.Sprintf("%s.%s = %s", message, m[2], m[1])] = true
		}
	}
	messages := wirepb.File_wire_proto.Messages()
	for i := range messages.Len() {
		fields := messages.Get(i).Fields()
		for j := range fields.Len() {
			field := name(fields.Get(j))
			if !told[field] {
				t.Errorf("the table does not have %s", field)
			}
			delete(told, field)
		}
	}
	for field := range told {
		t.Errorf("the table has %s, wire.proto has not", field)
	}
}

func name(f protoreflect.FieldDescriptor) string {
	return fmt.Sprintf("%s.%s = %d", f.ContainingMessage().Name(), f.Name(), f.Number())
}
