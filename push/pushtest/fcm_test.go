package pushtest

import (
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

func newFCM(t *testing.T, opts FCMOptions) *FCM {
	t.Helper()
	f, err := NewFCM(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func (f *FCM) claims() jwt.MapClaims {
	now := time.Now()
	return jwt.MapClaims{
		"iss": f.email(), "aud": f.tokenURL(), "scope": scopeMessage,
		"iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	}
}

func (f *FCM) grant(t *testing.T, c *http.Client, key *rsa.PrivateKey, kid string, claims jwt.MapClaims) (int, map[string]any) {
	t.Helper()
	tok := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	tok.Header["kid"] = kid
	text, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	form := url.Values{"grant_type": {grantJWT}, "assertion": {text}}
	return post(t, c, f.tokenURL(), "", "application/x-www-form-urlencoded", form.Encode())
}

func post(t *testing.T, c *http.Client, target, bearer, kind, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	if bearer != "" {
		r.Header.Set("Authorization", "Bearer "+bearer)
	}
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	_ = json.Unmarshal(raw, &out)
	return resp.StatusCode, out
}

func TestFCMChecksTheAssertion(t *testing.T) {
	f := newFCM(t, FCMOptions{})
	c := httpClient(t, f.server)
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	if status, body := f.grant(t, c, f.key, fcmKeyID, f.claims()); status != 200 || body["access_token"] == "" {
		t.Fatalf("%d %v", status, body)
	}
	for name, spoil := range map[string]func(jwt.MapClaims){
		"iss":    func(m jwt.MapClaims) { m["iss"] = "else@example.com" },
		"aud":    func(m jwt.MapClaims) { m["aud"] = "https://example.com/token" },
		"scope":  func(m jwt.MapClaims) { m["scope"] = "https://www.googleapis.com/auth/drive" },
		"no exp": func(m jwt.MapClaims) { delete(m, "exp") },
		"old":    func(m jwt.MapClaims) { m["exp"] = time.Now().Add(-time.Minute).Unix() },
		"long":   func(m jwt.MapClaims) { m["exp"] = time.Now().Add(2 * time.Hour).Unix() },
		"no iat": func(m jwt.MapClaims) { delete(m, "iat") },
	} {
		claims := f.claims()
		spoil(claims)
		if status, body := f.grant(t, c, f.key, fcmKeyID, claims); status != 400 || body["error"] != "invalid_grant" {
			t.Errorf("%s: %d %v", name, status, body)
		}
	}
	if status, _ := f.grant(t, c, stranger, fcmKeyID, f.claims()); status != 400 {
		t.Errorf("another key: %d", status)
	}
	if status, _ := f.grant(t, c, f.key, "else", f.claims()); status != 400 {
		t.Errorf("another key id: %d", status)
	}
	if status, _ := post(t, c, f.tokenURL(), "", "application/x-www-form-urlencoded", "grant_type=password"); status != 400 {
		t.Errorf("another grant: %d", status)
	}
	if n := f.AccessTokensIssued(); n != 1 {
		t.Errorf("%d access tokens", n)
	}
}

func (f *FCM) sendURL() string { return f.URL() + "/v1/projects/" + f.opts.Project + "/messages:send" }

func accessToken(t *testing.T, f *FCM, c *http.Client) string {
	t.Helper()
	_, body := f.grant(t, c, f.key, fcmKeyID, f.claims())
	token, _ := body["access_token"].(string)
	return token
}

func TestFCMRefusesWhatGoogleRefuses(t *testing.T) {
	f := newFCM(t, FCMOptions{})
	c := httpClient(t, f.server)
	access := accessToken(t, f, c)
	for name, body := range map[string]string{
		"not JSON":       `{`,
		"no recipient":   `{"message":{}}`,
		"unknown field":  `{"message":{"token":"t","colour":"red"}}`,
		"number in data": `{"message":{"token":"t","data":{"a":1}}}`,
		"reserved key":   `{"message":{"token":"t","data":{"google.a":"1"}}}`,
		"priority":       `{"message":{"token":"t","android":{"priority":"urgent"}}}`,
		"ttl":            `{"message":{"token":"t","android":{"ttl":"1 hour"}}}`,
		"ttl of a year":  `{"message":{"token":"t","android":{"ttl":"31536000s"}}}`,
		"too big":        `{"message":{"token":"t","data":{"a":"` + strings.Repeat("x", 4100) + `"}}}`,
	} {
		status, answer := post(t, c, f.sendURL(), access, "application/json", body)
		problem, _ := answer["error"].(map[string]any)
		if status != 400 || problem["status"] != "INVALID_ARGUMENT" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	good := `{"message":{"token":"t","data":{"hawser":"{\"v\":1}"},"notification":{"title":"T","body":"B"},"android":{"collapse_key":"c","priority":"high","ttl":"5s"}}}`
	if status, _ := post(t, c, f.sendURL(), "", "application/json", good); status != 401 {
		t.Errorf("without a token: %d", status)
	}
	if status, _ := post(t, c, f.URL()+"/v1/projects/else/messages:send", access, "application/json", good); status != 403 {
		t.Errorf("another project: %d", status)
	}
	if status, _ := post(t, c, f.URL()+"/v2", access, "application/json", good); status != 404 {
		t.Errorf("another path: %d", status)
	}
	dry := strings.Replace(good, `{"message"`, `{"validate_only":true,"message"`, 1)
	if status, _ := post(t, c, f.sendURL(), access, "application/json", dry); status != 200 || f.Count() != 0 {
		t.Errorf("validate_only: %d, %d accepted", status, f.Count())
	}
	if status, answer := post(t, c, f.sendURL(), access, "application/json", good); status != 200 || answer["name"] == "" {
		t.Errorf("good: %d %v", status, answer)
	}
	n := f.Received()
	if len(n) != 1 || n[0].Title != "T" || n[0].Collapse != "c" || string(n[0].Hawser) != `{"v":1}` || n[0].Background {
		t.Errorf("received %+v", n)
	}
}

func TestFCMAccessTokensEnd(t *testing.T) {
	f := newFCM(t, FCMOptions{AccessTokenTTL: time.Nanosecond})
	c := httpClient(t, f.server)
	good := `{"message":{"token":"t"}}`
	if status, _ := post(t, c, f.sendURL(), accessToken(t, f, c), "application/json", good); status != 401 {
		t.Errorf("expired: %d", status)
	}
	g := newFCM(t, FCMOptions{})
	c = httpClient(t, g.server)
	access := accessToken(t, g, c)
	if status, _ := post(t, c, g.sendURL(), access, "application/json", good); status != 200 {
		t.Errorf("fresh: %d", status)
	}
	g.RevokeAccessTokens()
	if status, _ := post(t, c, g.sendURL(), access, "application/json", good); status != 401 {
		t.Errorf("revoked: %d", status)
	}
}

func TestFCMUnregistered(t *testing.T) {
	f := newFCM(t, FCMOptions{})
	c := httpClient(t, f.server)
	f.Unregister("t")
	status, answer := post(t, c, f.sendURL(), accessToken(t, f, c), "application/json", `{"message":{"token":"t"}}`)
	raw, err := json.Marshal(answer)
	if err != nil {
		t.Fatal(err)
	}
	if status != 404 || !strings.Contains(string(raw), `"errorCode":"UNREGISTERED"`) || !strings.Contains(string(raw), typeFcmError) {
		t.Errorf("%d %s", status, raw)
	}
}
