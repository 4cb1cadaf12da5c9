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
	if d.err != nil {
		return 0
	}
	v, n := varint(d.b)
	if n == 0 {
		d.fail(what+" is cut short", nil)
		return 0
	}
	if v > limit {
		d.fail(fmt.Sprintf("%s %d is above %d", what, v, limit), nil)
		return 0
	}
	d.b = d.b[n:]
	return v
}

// bytes reads a length and as many bytes, which still belong to the payload.
func (d *decoder) bytes(what string, limit int) []byte {
	n := d.varint(what+" length", uint64(limit))
	if n > uint64(len(d.b)) {
		d.fail(what+" is cut short", nil)
		return nil
	}
	b := d.b[:n]
	d.b = d.b[n:]
	return b
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
	if d.err == nil {
		if err := CheckID(what, s); err != nil {
			d.fail(err.Error(), err)
			return ""
		}
	}
	return s
}

func (d *decoder) version() int64 {
	v := int64(d.varint("version", maxVarint))
	if d.err == nil {
		if err := CheckVersion(v); err != nil {
			d.fail(err.Error(), err)
			return 0
		}
	}
	return v
}

func (d *decoder) millis(what string) time.Duration {
	return time.Duration(d.varint(what, uint64(maxDuration/time.Millisecond))) * time.Millisecond
}

// appendBytes appends a length and s.
func appendBytes[T string | []byte](b []byte, s T) []byte {
	return append(appendVarint(b, uint64(len(s))), s...)
}

// appendText appends s as UTF-8 of at most MaxText bytes.
func appendText(b []byte, s string) []byte { return appendBytes(b, cutText(s)) }

// appendMillis appends d in milliseconds, rounded up: a short time must not
// become 0, which has a meaning of its own.
func appendMillis(b []byte, d time.Duration) []byte {
	return appendVarint(b, uint64(max(0, (d+time.Millisecond-1)/time.Millisecond)))
}

// body reads a body and copies it; nil if it is empty.
func (d *decoder) body() []byte {
	return append([]byte(nil), d.bytes("body", MaxPayload)...)
}
