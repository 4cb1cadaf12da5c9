package session

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
)

func jwtOf(header, claims string, signature []byte) string {
	e := base64.RawURLEncoding.EncodeToString
	return e([]byte(header)) + "." + e([]byte(claims)) + "." + e(signature)
}

func TestKeptTokens(t *testing.T) {
	var kept tokens
	signature := make([]byte, 64)
	claims := `{"aud":"hawser","did":"phone-%d","exp":%d,"iat":1763712345,"sub":"user-%d","tid":"acme"}`
	for i := range 300 {
		jwt := jwtOf(`{"alg":"EdDSA","kid":"1"}`, fmt.Sprintf(claims, i, 1763812345+i, i), signature)
		k := kept.keep(jwt)
		if got := kept.restore(k); got != jwt {
			t.Fatalf("restored %q of %q", got, jwt)
		}
		if i > 0 && len(k) > 112 {
			t.Errorf("%d bytes are kept of %d", len(k), len(jwt))
		}
	}
	// As many headers as anybody likes.
	for i := range 2 * maxModels {
		jwt := jwtOf(fmt.Sprintf(`{"kid":"%d"}`, i), claims, signature)
		if got := kept.restore(kept.keep(jwt)); got != jwt {
			t.Fatalf("restored %q of %q", got, jwt)
		}
	}
	if len(kept.models) != maxModels {
		t.Errorf("%d models", len(kept.models))
	}
}

func FuzzKeptTokens(f *testing.F) {
	f.Add("a.b.c", "a.b.c")
	f.Add(jwtOf("h", `{"a":"bcdefgh"}`, []byte("1")), jwtOf("h", `{"x":"bcdefgh","y":"bcdefgh"}`, []byte("2")))
	f.Add("", "....")
	f.Add(jwtOf("h", strings.Repeat("long", 200), nil), jwtOf("h", strings.Repeat("long", 300), nil))
	f.Fuzz(func(t *testing.T, first, second string) {
		var kept tokens
		a, b := kept.keep(first), kept.keep(second)
		if got := kept.restore(a); got != first {
			t.Errorf("restored %q of %q", got, first)
		}
		if got := kept.restore(b); got != second {
			t.Errorf("restored %q of %q", got, second)
		}
	})
}
