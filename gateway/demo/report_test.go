package demo

import (
	"strings"
	"testing"
)

func TestLinesFitATerminal(t *testing.T) {
	word := strings.Repeat("w", width)
	for text, want := range map[string]string{
		"short  with   spaces":           "       short  with   spaces\n",
		strings.Repeat("abcdefghi ", 12): "       " + strings.TrimSpace(strings.Repeat("abcdefghi ", 9)) + "\n         abcdefghi abcdefghi abcdefghi\n",
		"a " + word + " b":               "       a\n         " + word + "\n         b\n",
		"":                               "       \n",
	} {
		var b strings.Builder
		printer{w: &b}.indented(text)
		if got := b.String(); strings.TrimSpace(got) != strings.TrimSpace(want) {
			t.Errorf("%q:\n%s want\n%s", text, got, want)
		}
	}
}
