package events

import (
	"strings"
	"testing"
)

// An ack cannot name another consumer, nor a wildcard.
func FuzzValidAck(f *testing.F) {
	f.Add("1.2.3.1700000000000.0")
	f.Add("1.*")
	f.Fuzz(func(t *testing.T, s string) {
		if !validAck(s) {
			return
		}
		for _, token := range strings.Split(s, ".") {
			if token == "" || strings.Trim(token, "0123456789") != "" {
				t.Fatalf("%q was taken", s)
			}
		}
	})
}
