package leak

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
)

// form is one way to write a secret.
type form struct {
	name string
	text string
}

// forms are the ways in which a secret could be said.
func forms(secret []byte) []form {
	all := []form{
		{"as it is", string(secret)},
		{"in hex", hex.EncodeToString(secret)},
		{"in hex", strings.ToUpper(hex.EncodeToString(secret))},
		{"escaped for a URL", url.QueryEscape(string(secret))},
		{"escaped for a URL", url.PathEscape(string(secret))},
		{"as numbers", strings.Trim(fmt.Sprint(secret), "[]")},
	}
	if escaped, err := json.Marshal(string(secret)); err == nil {
		all = append(all, form{"escaped for JSON", strings.Trim(string(escaped), `"`)})
	}
	return append(all, base64Forms(secret)...)
}

// base64Forms are what a secret looks like within a longer text that was
// encoded: base64 takes three bytes at a time, and the secret may begin with any
// of them. What it shares with its neighbours is left out.
func base64Forms(secret []byte) (all []form) {
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for before := range 3 {
			text := e.EncodeToString(append(make([]byte, before), secret...))
			text = text[(before*8+5)/6:]
			if rest := (before + len(secret)) % 3; rest != 0 {
				text = text[:len(text)-1]
			}
			all = append(all, form{"in base64", text})
		}
	}
	return all
}
