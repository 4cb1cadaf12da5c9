package token

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/golang-jwt/jwt/v5"
)

// testKey is a private key and the JWK of its public half.
type testKey struct {
	method jwt.SigningMethod
	key    crypto.PrivateKey
	jwk    jwk
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func edKey(id string) testKey {
	pub, key, _ := ed25519.GenerateKey(rand.Reader)
	return testKey{jwt.SigningMethodEdDSA, key, jwk{KeyType: "OKP", Curve: "Ed25519", ID: id, X: b64(pub)}}
}

func ecKey(id string) testKey {
	key, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	point, _ := key.PublicKey.Bytes()
	return testKey{jwt.SigningMethodES256, key, jwk{KeyType: "EC", Curve: "P-256", ID: id, X: b64(point[1:33]), Y: b64(point[33:])}}
}

// One RSA key serves all tests: making one is slow.
var rsaOnce = sync.OnceValue(func() *rsa.PrivateKey {
	key, _ := rsa.GenerateKey(rand.Reader, 2048)
	return key
})

func rsaKey(id string) testKey {
	key := rsaOnce()
	return testKey{jwt.SigningMethodRS256, key, jwk{KeyType: "RSA", ID: id, Alg: "RS256", Use: "sig", N: b64(key.N.Bytes()), E: "AQAB"}}
}

func jwks(keys ...jwk) []byte {
	b, _ := json.Marshal(map[string]any{"keys": keys})
	return b
}

func writeFile(t *testing.T, name string, data []byte) string {
	t.Helper()
	if !filepath.IsAbs(name) {
		name = filepath.Join(t.TempDir(), name)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestParseKeysAccepts(t *testing.T) {
	enc := jwk{KeyType: "RSA", ID: "enc", Use: "enc"}
	keys, err := parseKeys(jwks(edKey("a").jwk, ecKey("b").jwk, rsaKey("c").jwk, enc))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{algEdDSA, algES256, algRS256} {
		if keys[i].alg != want {
			t.Errorf("keys[%d] is pinned to %s, want %s", i, keys[i].alg, want)
		}
	}
	if len(keys) != 3 {
		t.Errorf("%d keys, want 3: one that encrypts does not count", len(keys))
	}
}

func TestParseKeysRefuses(t *testing.T) {
	change := func(k testKey, f func(*jwk)) []byte { f(&k.jwk); return jwks(k.jwk) }
	small := new(big.Int).Lsh(big.NewInt(1), 1023)
	tests := map[string]struct {
		data []byte
		say  string // part of the sentence
	}{
		"empty":            {nil, "JSON Web Key Set"},
		"not JSON":         {[]byte("-----BEGIN PUBLIC KEY-----"), "syntax error at byte"},
		"wrong type":       {[]byte(`{"keys":3}`), "wrong type at byte"},
		"null":             {[]byte(`null`), "no key"},
		"no keys":          {[]byte(`{"keys":[]}`), "no key"},
		"a bare key":       {mustJSON(edKey("a").jwk), "no key"},
		"too large":        {make([]byte, maxKeysBytes+1), "larger"},
		"too many":         {jwks(make([]jwk, maxKeys+1)...), "at most 64"},
		"no kid":           {change(edKey("a"), func(j *jwk) { j.ID = "" }), "kid is required"},
		"long kid":         {change(edKey("a"), func(j *jwk) { j.ID = strings.Repeat("k", 129) }), "kid is required"},
		"private":          {change(edKey("a"), func(j *jwk) { j.D = "AAAA" }), "private key"},
		"secret":           {jwks(jwk{KeyType: "oct", ID: "a", K: "AAAA"}), "HMAC"},
		"wrong alg":        {change(edKey("a"), func(j *jwk) { j.Alg = "ES256" }), "signs with EdDSA"},
		"PS256":            {change(rsaKey("a"), func(j *jwk) { j.Alg = "PS256" }), "signs with RS256"},
		"unknown use":      {change(edKey("a"), func(j *jwk) { j.Use = "tls" }), "use"},
		"X25519":           {change(edKey("a"), func(j *jwk) { j.Curve = "X25519" }), "not supported"},
		"P-384":            {change(ecKey("a"), func(j *jwk) { j.Curve = "P-384" }), "not supported"},
		"short x":          {change(edKey("a"), func(j *jwk) { j.X = "AAAA" }), "has 3 bytes"},
		"padding":          {change(edKey("a"), func(j *jwk) { j.X += "=" }), "base64url"},
		"not on the curve": {change(ecKey("a"), func(j *jwk) { j.Y = j.X }), "not a point"},
		"no y":             {change(ecKey("a"), func(j *jwk) { j.Y = "" }), "y is missing"},
		"small RSA":        {change(rsaKey("a"), func(j *jwk) { j.N = b64(small.Bytes()) }), "1024 bits"},
		"huge RSA":         {change(rsaKey("a"), func(j *jwk) { j.N = b64(make([]byte, 4096)) + "AQ" }), "bits"},
		"e of 1":           {change(rsaKey("a"), func(j *jwk) { j.E = "AQ" }), "exponent"},
		"e too large":      {change(rsaKey("a"), func(j *jwk) { j.E = "AQABAQAB" }), "exponent"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parseKeys(tt.data)
			if !errors.Is(err, ErrKey) {
				t.Fatalf("error %v, want ErrKey", err)
			}
			if !strings.Contains(err.Error(), tt.say) {
				t.Errorf("%q does not say %q", err, tt.say)
			}
		})
	}
}

func mustJSON(v any) []byte {
	b, _ := json.Marshal(v)
	return b
}

func FuzzParseKeys(f *testing.F) {
	f.Add(jwks(edKey("a").jwk))
	f.Add(jwks(ecKey("b").jwk))
	f.Add([]byte(`{"keys":[{"kty":"RSA","kid":"a","n":"AQAB","e":"AQAB"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		keys, err := parseKeys(data)
		if err == nil && len(keys) == 0 {
			t.Fatal("accepted a set without a key")
		}
		for _, k := range keys {
			if k.id == "" || k.key == nil || (k.alg != algEdDSA && k.alg != algES256 && k.alg != algRS256) {
				t.Fatalf("accepted a key that is not pinned: %+v", k)
			}
		}
	})
}
