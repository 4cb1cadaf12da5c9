package wire

import (
	"strings"
	"unicode/utf8"
)

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
