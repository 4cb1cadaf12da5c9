package node_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"os"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// A mint makes tokens of every sort, as no library would.
type mint struct {
	kid    string
	secret ed25519.PrivateKey
}

// mint reads a tenant's private key.
func (f *fleet) mint(tenant string) mint {
	f.t.Helper()
	text, err := os.ReadFile(f.env.Path(tenant + ".jwk"))
	if err != nil {
		f.t.Fatal(err)
	}
	return parseMint(f.t, text)
}

// stranger is a key that no edge knows.
func stranger(t testing.TB) mint {
	t.Helper()
	text, _, err := token.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return parseMint(t, text)
}

func parseMint(t testing.TB, text []byte) mint {
	t.Helper()
	var key struct{ Kid, D string }
	if err := json.Unmarshal(text, &key); err != nil {
		t.Fatal(err)
	}
	seed, err := base64.RawURLEncoding.DecodeString(key.D)
	if err != nil {
		t.Fatal(err)
	}
	return mint{key.Kid, ed25519.NewKeyFromSeed(seed)}
}

func (m mint) sign(signed string) []byte { return ed25519.Sign(m.secret, []byte(signed)) }

// hmac signs with the public key as if it were a shared secret.
func (m mint) hmac(signed string) []byte {
	mac := hmac.New(sha256.New, m.secret.Public().(ed25519.PublicKey))
	mac.Write([]byte(signed))
	return mac.Sum(nil)
}

// claims are right ones of mallory; change may spoil them.
func claims(change object) object {
	c := object{
		"sub": "mallory", "tid": tenantA, "did": "phone", "aud": "hawser",
		"exp": time.Now().Add(time.Hour).Unix(),
	}
	for name, value := range change {
		c[name] = value
	}
	return c
}

// compact writes a token; sign makes the signature.
func compact(t testing.TB, header, claims object, sign func(string) []byte) string {
	t.Helper()
	part := func(v object) string {
		text, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(text)
	}
	signed := part(header) + "." + part(claims)
	return signed + "." + base64.RawURLEncoding.EncodeToString(sign(signed))
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	f := startFleet(t, options{})
	healthy := f.connect("mallory", "phone", phoneOptions{})
	ours, theirs, nobodys := f.mint(tenantA), f.mint(tenantB), stranger(t)
	right := object{"alg": "EdDSA", "kid": ours.kid}
	none := func(string) []byte { return nil }
	ago := time.Now().Add(-10 * time.Minute).Unix()
	tests := []struct {
		name  string
		token string
		code  wire.CloseCode
		says  string
	}{
		{"expired", compact(t, right, claims(object{"exp": ago}), ours.sign), wire.CloseTokenExpired, "fetch a new one"},
		{"signed by nobody's key", compact(t, object{"alg": "EdDSA", "kid": nobodys.kid}, claims(nil), nobodys.sign), wire.CloseUnauthenticated, "add the public key to the tenant's JWKS file"},
		{"signed by nobody's key under a good kid", compact(t, right, claims(nil), nobodys.sign), wire.CloseUnauthenticated, "sign with the private half"},
		{"alg none", compact(t, object{"alg": "none", "kid": ours.kid}, claims(nil), none), wire.CloseUnauthenticated, "sign with EdDSA, ES256 or RS256"},
		{"HMAC with the public key", compact(t, object{"alg": "HS256", "kid": ours.kid}, claims(nil), ours.hmac), wire.CloseUnauthenticated, "sign with EdDSA, ES256 or RS256"},
		{"a key of tenant B with the tid of A", compact(t, object{"alg": "EdDSA", "kid": theirs.kid}, claims(nil), theirs.sign), wire.CloseUnauthenticated, "the tenant's keys"},
		{"a key of tenant A with the tid of B", compact(t, right, claims(object{"tid": tenantB}), ours.sign), wire.CloseUnauthenticated, "the tenant's keys"},
		{"a tenant that is not there", compact(t, right, claims(object{"tid": "nobody"}), ours.sign), wire.CloseUnauthenticated, "set tid"},
		{"meant for somebody else", compact(t, right, claims(object{"aud": "bank"}), ours.sign), wire.CloseUnauthenticated, `set aud to "hawser"`},
		{"a user with a dot", compact(t, right, claims(object{"sub": "a.b"}), ours.sign), wire.CloseUnauthenticated, "sub must match [A-Za-z0-9_-]{1,64}"},
		{"a user that is a wildcard", compact(t, right, claims(object{"sub": ">"}), ours.sign), wire.CloseUnauthenticated, "sub must match [A-Za-z0-9_-]{1,64}"},
		{"a device of 65 letters", compact(t, right, claims(object{"did": string(make([]byte, 65))}), ours.sign), wire.CloseUnauthenticated, "did must match [A-Za-z0-9_-]{1,64}"},
		{"no device", compact(t, right, claims(object{"did": nil}), ours.sign), wire.CloseUnauthenticated, "did must match"},
		{"no expiry", compact(t, right, claims(object{"exp": nil}), ours.sign), wire.CloseUnauthenticated, "exp is missing"},
		{"no token", "", wire.CloseUnauthenticated, "send the JWT of your backend unchanged"},
	}
	for _, test := range tests {
		if t.Failed() {
			break // the others would wait for the same phone in vain
		}
		t.Run(test.name, func(t *testing.T) {
			f := f.in(t)
			reason := "bad_token"
			if test.code == wire.CloseTokenExpired {
				reason = "token_expired"
			}
			f.counts(whole, `hawser_session_refused_total{reason="`+reason+`"}`, 1, func() {
				hello := f.hello("mallory", "phone")
				hello.Token = test.token
				r := f.dial(whole)
				r.send(&wire.Hello{Body: hello})
				wantText(t, r.wantClose(test.code), test.says)
			})
			// The real phone of that name is neither thrown out nor deaf.
			healthy.in(t).hears(test.name)
		})
	}
	if n := healthy.connections(); n != 1 {
		t.Errorf("the real phone was connected %d times, want once", n)
	}
}
