package leak

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const secret = "p4ssw0rd/of+the&fleet"

// TestSecretsAreFoundInEveryForm plants one in the middle of a log.
func TestSecretsAreFoundInEveryForm(t *testing.T) {
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	leaks := map[string]string{
		"as it is": secret, "quoted": fmt.Sprintf("%q", secret), "JSON": string(quoted),
		"hex": hex.EncodeToString([]byte(secret)), "upper hex": fmt.Sprintf("%X", secret),
		"query": url.QueryEscape(secret), "path": url.PathEscape(secret),
		"bytes": fmt.Sprint([]byte(secret)),
	}
	for before := range 3 {
		for after := range 3 {
			within := []byte(strings.Repeat("<", before) + secret + strings.Repeat(">", after))
			name := fmt.Sprintf("base64 after %d and before %d bytes", before, after)
			leaks[name] = base64.StdEncoding.EncodeToString(within)
			leaks[name+" for URLs"] = base64.RawURLEncoding.EncodeToString(within)
		}
	}
	var s Scanner
	s.Know("the password", []byte(secret))
	for name, text := range leaks {
		found := s.Scan("log", []byte("{\"msg\":\"ready\"}\n{\"msg\":\"connect\",\"as\":\""+text+"\"}\n"))
		if len(found) == 0 || found[0].Line != 2 || found[0].Secret != "the password" {
			t.Errorf("%s: found %v", name, found)
		}
	}
	if found := s.Scan("log", []byte("p4ssw0rd of the fleet")); len(found) > 0 {
		t.Errorf("found what is not there: %v", found)
	}
}

func TestKeysAreFoundByEachLine(t *testing.T) {
	var s Scanner
	s.Know("the key", []byte("-----BEGIN SECRET-----\nAAAABBBBCCCC\nDDDDEEEEFFFF\n-----END SECRET-----\n"))
	if found := s.Scan("log", []byte("key DDDDEEEEFFFF")); len(found) != 1 {
		t.Errorf("found %v", found)
	}
	if found := s.Scan("log", []byte("-----END SECRET-----")); len(found) > 0 {
		t.Errorf("found what is no secret: %v", found)
	}
}

func TestSecretsAreFoundByTheirLooks(t *testing.T) {
	var s Scanner
	for name, text := range map[string]string{
		"a JWT":                 "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNIn0.c2lnbmF0dXJl",
		"a private key":         "-----BEGIN EC PRIVATE KEY-----",
		"a P-256 key in PKCS 8": "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg",
		"an RSA key in PKCS 8":  "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQ",
		"a private JWK":         `{"kty":"OKP","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}`,
		"a seed of a NATS user": "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY",
		"a bearer token":        "authorization: Bearer abcdefghijklmnopqrst",
		"a password for HTTP":   "Authorization: Basic dXNlcjpwYXNzd29yZA==",
	} {
		if len(s.Scan("log", []byte("x "+text+" y"))) == 0 {
			t.Errorf("%s is not found", name)
		}
	}
	for _, text := range []string{
		"-----BEGIN CERTIFICATE-----", "the bearer of bad news", "user SYNCER", `{"version":"1838366927369217"}`,
	} {
		if found := s.Scan("log", []byte(text)); len(found) > 0 {
			t.Errorf("%q is taken for a secret: %v", text, found)
		}
	}
}

// FuzzForms looks for any secret that was encoded within any text.
func FuzzForms(f *testing.F) {
	f.Add("user:", "0123456789", ".")
	f.Fuzz(func(t *testing.T, before, secret, after string) {
		if len(secret) < 2*least || strings.TrimSpace(secret) != secret || strings.Contains(secret, "\n") {
			t.Skip()
		}
		var s Scanner
		s.Know("it", []byte(secret))
		for _, text := range []string{
			before + secret + after, hex.EncodeToString([]byte(before + secret + after)),
			base64.StdEncoding.EncodeToString([]byte(before + secret + after)), base64.RawURLEncoding.EncodeToString([]byte(before + secret + after)),
		} {
			if len(s.Scan("log", []byte(text))) == 0 {
				t.Errorf("%q is not found in %q", secret, text)
			}
		}
	})
}
