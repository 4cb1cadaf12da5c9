package token

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// A token that is known is no less looked at, but for its signature: it
// expires, others like it are not known, and with new keys it is not, either.
func TestProvenTokens(t *testing.T) {
	first, second := edKey("first"), edKey("second")
	v := newVerifier(t, map[string][]testKey{"acme": {first}})
	good := first.sign(t, nil, goodClaims())
	var before Identity
	for i := range 3 {
		got, err := v.Verify(good, now)
		if err != nil || i > 0 && got != before {
			t.Fatalf("%+v, %v, and before %+v", got, err, before)
		}
		before = got
	}
	if _, err := v.Verify(good, now.Add(2*time.Hour)); !errors.Is(err, ErrExpired) {
		t.Errorf("a known token that expired: %v", err)
	}

	parts := strings.Split(good, ".")
	other := goodClaims()
	other["sub"] = "bert"
	stolen := strings.Split(first.sign(t, nil, other), ".")
	forger := edKey("first") // another key under the same id
	forged := forger.sign(t, nil, goodClaims())
	for name, token := range map[string]string{
		"another's claims under a known signature": parts[0] + "." + stolen[1] + "." + parts[2],
		"another's signature":                      parts[0] + "." + parts[1] + "." + stolen[2],
		"another key's":                            forged,
	} {
		for range 2 { // nor does a refused one become known
			if _, err := v.Verify(token, now); !errors.Is(err, ErrSignature) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}

	ring, err := merge([]*file{{Source: Source{Tenant: "acme"}, keys: mustParse(t, second.jwk)}})
	if err != nil {
		t.Fatal(err)
	}
	v.keys.Store(newTrusted(ring))
	if _, err := v.Verify(good, now); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a known token after its key is gone: %v", err)
	}
}

func mustParse(t *testing.T, k jwk) []publicKey {
	t.Helper()
	keys, err := parseKeys(jwks(k))
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
