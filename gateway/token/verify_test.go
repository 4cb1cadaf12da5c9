package token

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// now is when the tests' tokens are looked at.
var now = time.Unix(1_800_000_000, 0)

func goodClaims() map[string]any {
	return map[string]any{"sub": "anna", "tid": "acme", "did": "phone", "aud": "hawser", "exp": now.Add(time.Hour).Unix(), "iat": now.Unix()}
}

func (k testKey) sign(t *testing.T, header, body map[string]any) string {
	t.Helper()
	token := jwt.NewWithClaims(k.method, jwt.MapClaims(body))
	token.Header["kid"] = k.jwk.ID
	for name, value := range header {
		token.Header[name] = value
	}
	s, err := token.SignedString(k.key)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newVerifier(t *testing.T, byTenant map[string][]testKey) *Verifier {
	t.Helper()
	var sources []Source
	for tenant, keys := range byTenant {
		var public []jwk
		for _, k := range keys {
			public = append(public, k.jwk)
		}
		sources = append(sources, Source{tenant, writeFile(t, tenant+".json", jwks(public...))})
	}
	v, err := NewVerifier(sources, nil)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVerifyAccepts(t *testing.T) {
	for _, k := range []testKey{edKey("ed"), ecKey("ec"), rsaKey("rsa")} {
		v := newVerifier(t, map[string][]testKey{"acme": {k}})
		got, err := v.Verify(k.sign(t, nil, goodClaims()), now)
		if err != nil {
			t.Errorf("%s: %v", k.jwk.ID, err)
		}
		if want := (Identity{Tenant: "acme", User: "anna", Device: "phone", ExpiresAt: now.Add(time.Hour), IssuedAt: now}); got != want {
			t.Errorf("%s: %+v, want %+v", k.jwk.ID, got, want)
		}
	}
}

func TestVerifySkew(t *testing.T) {
	key := edKey("a")
	v := newVerifier(t, map[string][]testKey{"acme": {key}})
	tests := []struct {
		claim string
		at    time.Duration
		want  error
	}{
		{"exp", -59 * time.Second, nil},
		{"exp", -60 * time.Second, ErrExpired},
		{"nbf", 60 * time.Second, nil},
		{"nbf", 61 * time.Second, ErrNotYet},
		{"iat", 60 * time.Second, nil},
		{"iat", 61 * time.Second, ErrNotYet},
	}
	for _, tt := range tests {
		body := goodClaims()
		body[tt.claim] = now.Add(tt.at).Unix()
		if _, err := v.Verify(key.sign(t, nil, body), now); !errors.Is(err, tt.want) {
			t.Errorf("%s %v from now: %v, want %v", tt.claim, tt.at, err, tt.want)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	ours, second, theirs, stranger := edKey("k1"), ecKey("k2"), edKey("k1"), edKey("k9")
	v := newVerifier(t, map[string][]testKey{"acme": {ours, second}, "other": {theirs}})
	with := func(name string, value any) map[string]any {
		body := goodClaims()
		body[name] = value
		if value == nil {
			delete(body, name)
		}
		return body
	}
	good := ours.sign(t, nil, goodClaims())
	hmac := testKey{jwt.SigningMethodHS256, []byte(ours.jwk.X), ours.jwk}
	none := testKey{jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, ours.jwk}
	tests := map[string]struct {
		token string
		want  error
	}{
		"empty":                      {"", ErrMalformed},
		"one part":                   {"abc", ErrMalformed},
		"Bearer":                     {"Bearer " + good, ErrMalformed},
		"line break at the end":      {good + "\n", ErrMalformed},
		"line break within":          {good[:5] + "\r\n" + good[5:], ErrMalformed},
		"four parts":                 {good + ".x", ErrMalformed},
		"too long":                   {ours.sign(t, nil, with("x", strings.Repeat("x", MaxBytes))), ErrMalformed},
		"crit":                       {ours.sign(t, map[string]any{"crit": []string{"b64"}}, goodClaims()), ErrMalformed},
		"alg none":                   {none.sign(t, nil, goodClaims()), ErrAlgorithm},
		"alg none without signature": {strings.TrimRight(none.sign(t, nil, goodClaims()), "."), ErrMalformed},
		"HMAC with the public key":   {hmac.sign(t, nil, goodClaims()), ErrAlgorithm},
		"alg of another key":         {ours.sign(t, map[string]any{"kid": "k2"}, goodClaims()), ErrAlgorithm},
		"unknown alg":                {ours.sign(t, map[string]any{"alg": "XX"}, goodClaims()), ErrAlgorithm},
		"no kid":                     {ours.sign(t, map[string]any{"kid": ""}, goodClaims()), ErrUnknownKey},
		"kid is a number":            {ours.sign(t, map[string]any{"kid": 1}, goodClaims()), ErrUnknownKey},
		"unknown kid":                {stranger.sign(t, nil, goodClaims()), ErrUnknownKey},
		"forged kid":                 {stranger.sign(t, map[string]any{"kid": "k1"}, goodClaims()), ErrSignature},
		"changed signature":          {good[:len(good)-8] + "AAAAAAAA", ErrSignature},
		"changed claims":             {swapClaims(good, ours.sign(t, nil, with("sub", "eve"))), ErrSignature},
		"no tid":                     {ours.sign(t, nil, with("tid", nil)), ErrTenant},
		"unknown tid":                {ours.sign(t, nil, with("tid", "nobody")), ErrTenant},
		"key of another tenant":      {ours.sign(t, nil, with("tid", "other")), ErrSignature},
		"kid of another tenant":      {second.sign(t, nil, with("tid", "other")), ErrUnknownKey},
		"expired":                    {ours.sign(t, nil, with("exp", now.Add(-time.Hour).Unix())), ErrExpired},
		"no exp":                     {ours.sign(t, nil, with("exp", nil)), ErrClaims},
		"exp beyond time":            {ours.sign(t, nil, with("exp", 1e300)), ErrClaims},
		"exp below time":             {ours.sign(t, nil, with("exp", -1)), ErrClaims},
		"exp is text":                {ours.sign(t, nil, with("exp", "tomorrow")), ErrMalformed},
		"no aud":                     {ours.sign(t, nil, with("aud", nil)), ErrAudience},
		"other aud":                  {ours.sign(t, nil, with("aud", []string{"web", "Hawser"})), ErrAudience},
		"no sub":                     {ours.sign(t, nil, with("sub", nil)), ErrClaims},
		"no did":                     {ours.sign(t, nil, with("did", nil)), ErrClaims},
		"sub with a dot":             {ours.sign(t, nil, with("sub", "a.b")), ErrClaims},
		"did with a star":            {ours.sign(t, nil, with("did", "*")), ErrClaims},
		"did too long":               {ours.sign(t, nil, with("did", strings.Repeat("d", 65))), ErrClaims},
		"claims are null":            {ours.signRaw(t, "null"), ErrTenant},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := v.Verify(tt.token, now)
			if !errors.Is(err, tt.want) || got != (Identity{}) {
				t.Fatalf("%+v, %v; want %v", got, err, tt.want)
			}
			for part := range strings.SplitSeq(tt.token, ".") {
				if len(part) > 8 && strings.Contains(err.Error(), part) {
					t.Errorf("the error shows a part of the token: %v", err)
				}
			}
		})
	}
}

// swapClaims puts the claims of b under the header and signature of a.
func swapClaims(a, b string) string {
	x, y := strings.Split(a, "."), strings.Split(b, ".")
	return x[0] + "." + y[1] + "." + x[2]
}

func (k testKey) signRaw(t *testing.T, body string) string {
	t.Helper()
	header, _ := json.Marshal(map[string]string{"alg": k.method.Alg(), "kid": k.jwk.ID})
	text := b64(header) + "." + b64([]byte(body))
	sig, err := k.method.Sign(text, k.key)
	if err != nil {
		t.Fatal(err)
	}
	return text + "." + b64(sig)
}

func FuzzVerify(f *testing.F) {
	key := edKey("a")
	keys, _ := parseKeys(jwks(key.jwk))
	v := &Verifier{parser: newParser()}
	v.keys.Store(newTrusted(keyRing{"acme": {"a": keys[0]}}))
	f.Add("a.b.c")
	f.Add(`eyJhbGciOiJub25lIn0.eyJ0aWQiOiJhY21lIn0.`)
	f.Fuzz(func(t *testing.T, token string) {
		if id, err := v.Verify(token, now); err == nil {
			t.Fatalf("accepted a token that nobody signed, for %+v", id)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key := edKey("a")
	keys, _ := parseKeys(jwks(key.jwk))
	v := &Verifier{parser: newParser()}
	v.keys.Store(newTrusted(keyRing{"acme": {"a": keys[0]}}))
	token := jwt.NewWithClaims(key.method, jwt.MapClaims(goodClaims()))
	token.Header["kid"] = "a"
	s, _ := token.SignedString(key.key)
	verify := func(b *testing.B) {
		if _, err := v.Verify(s, now); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("known", func(b *testing.B) {
		for b.Loop() {
			verify(b)
		}
	})
	b.Run("new", func(b *testing.B) {
		for b.Loop() {
			known := v.keys.Load()
			known.proven[known.fingerprint(s).place()] = fingerprint{}
			verify(b)
		}
	})
}
