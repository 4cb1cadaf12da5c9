package node_test

import (
	"strings"
	"testing"
)

// wantText expects that a message for people says something.
func wantText(t testing.TB, got, want string) {
	t.Helper()
	if !strings.Contains(got, want) {
		t.Errorf("it says %q, want it to say %q", got, want)
	}
}
