package wire

import (
	"strings"
	"time"
	"unicode/utf8"
)

// appendBytes appends a length and s.
func appendBytes[T string | []byte](b []byte, s T) []byte {
	return append(appendVarint(b, uint64(len(s))), s...)
}

// appendText appends s as UTF-8 of at most MaxText bytes.
func appendText(b []byte, s string) []byte { return appendBytes(b, cutText(s)) }

// cutText returns s as valid UTF-8 of at most MaxText bytes, cut between two
// characters.
func cutText(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= MaxText {
		return s
	}
	end := MaxText
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}

// appendMillis appends d in milliseconds, rounded up: a short time must not
// become 0, which has a meaning of its own.
func appendMillis(b []byte, d time.Duration) []byte {
	if d <= 0 {
		return append(b, 0)
	}
	return appendVarint(b, uint64((d-1)/time.Millisecond)+1)
}

// appendFlags sets bit i for each i-th that is set.
func appendFlags(b []byte, set ...bool) []byte {
	var flags byte
	for i, is := range set {
		if is {
			flags |= 1 << i
		}
	}
	return append(b, flags)
}
