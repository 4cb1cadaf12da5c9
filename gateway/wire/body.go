package wire

import (
	"fmt"

	"google.golang.org/protobuf/proto"
)

// parseBody parses a protobuf payload into m. Fields that this version does
// not know are dropped.
func parseBody(payload []byte, m proto.Message) error {
	if err := (proto.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(payload, m); err != nil {
		return &malformed{"body: " + err.Error(), nil}
	}
	return nil
}

func appendBody(b []byte, m proto.Message) []byte {
	out, err := proto.MarshalOptions{Deterministic: true}.MarshalAppend(b, m)
	if err != nil {
		return b
	}
	return out
}

// checks gathers the first of several complaints about a body.
type checks struct{ err error }

func (c *checks) fail(text string, cause error) {
	if c.err == nil {
		c.err = &malformed{text, cause}
	}
}

func (c *checks) length(what string, n, limit int) {
	if n > limit {
		c.fail(fmt.Sprintf("%s has %d bytes, at most %d are allowed", what, n, limit), nil)
	}
}

func (c *checks) count(what string, n, limit int) {
	if n > limit {
		c.fail(fmt.Sprintf("%d %s, at most %d are allowed", n, what, limit), nil)
	}
}

func (c *checks) id(what, s string) {
	if err := CheckID(what, s); err != nil {
		c.fail(err.Error(), err)
	}
}

func (c *checks) version(v int64) {
	if err := CheckVersion(v); err != nil {
		c.fail(err.Error(), err)
	}
}

// millis checks a time in milliseconds.
func (c *checks) millis(what string, v int64) {
	if v < 0 || v > maxDuration.Milliseconds() {
		c.fail(fmt.Sprintf("%s %d is not in 0 to %d", what, v, maxDuration.Milliseconds()), nil)
	}
}
