package wire

import (
	"fmt"
	"time"
	"unicode/utf8"
)

// decoder reads the fields of a hand-coded payload, in order. After its first
// error it returns zeros, and the error stays in err: a parser reads all its
// fields and asks once. Bytes after the last field are left alone.
type decoder struct {
	b   []byte
	err error
}

func (d *decoder) fail(text string, cause error) {
	if d.err == nil {
		d.err = &malformed{text, cause}
	}
	d.b = nil
}

// varint reads a number of at most limit.
func (d *decoder) varint(what string, limit uint64) uint64 {
	v, n := varint(d.b)
	switch {
	case n == 0:
		d.fail(what+" is cut short", nil)
		return 0
	case v > limit:
		d.fail(fmt.Sprintf("%s %d is above %d", what, v, limit), nil)
		return 0
	}
	d.b = d.b[n:]
	return v
}

// bytes reads a length and as many bytes, which still belong to the payload.
func (d *decoder) bytes(what string, limit uint64) []byte {
	length, n := varint(d.b)
	switch {
	case n == 0 || length <= limit && length > uint64(len(d.b)-n):
		d.fail(what+" is cut short", nil)
		return nil
	case length > limit:
		d.fail(fmt.Sprintf("%s has %d bytes, at most %d are allowed", what, length, limit), nil)
		return nil
	}
	field := d.b[n : n+int(length)]
	d.b = d.b[n+int(length):]
	return field
}

// body reads bytes and copies them; nil if there are none.
func (d *decoder) body() []byte {
	return append([]byte(nil), d.bytes("body", MaxBody)...)
}

func (d *decoder) text(what string) string {
	b := d.bytes(what, MaxText)
	if !utf8.Valid(b) {
		d.fail(what+" is not UTF-8", nil)
		return ""
	}
	return string(b)
}

func (d *decoder) id(what string) string {
	s := string(d.bytes(what, maxID))
	if d.err != nil {
		return ""
	}
	if err := CheckID(what, s); err != nil {
		d.fail(err.Error(), err)
		return ""
	}
	return s
}

func (d *decoder) version() int64 {
	v := int64(d.varint("version", maxVarint))
	if d.err != nil {
		return 0
	}
	if err := CheckVersion(v); err != nil {
		d.fail(err.Error(), err)
		return 0
	}
	return v
}

func (d *decoder) millis(what string) time.Duration {
	return time.Duration(d.varint(what, uint64(maxDuration/time.Millisecond))) * time.Millisecond
}

// flag reads a varint of flags of which bit 0 is the only known one.
// flags reads which bits are set: those that nobody knows are left alone.
func (d *decoder) flags() uint64 { return d.varint("flags", maxVarint) }
