package pushtest

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// newAPNs starts a simulator that takes new provider tokens at any time, unless
// the options say otherwise: most tests make one a request.
func newAPNs(t *testing.T, opts APNsOptions) *APNs {
	t.Helper()
	if opts.TokenEvery == 0 {
		opts.TokenEvery = time.Nanosecond
	}
	a, err := NewAPNs(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

func httpClient(t *testing.T, s *server) *http.Client {
	t.Helper()
	tr := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: s.RootCAs()}, ForceAttemptHTTP2: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func (a *APNs) bearer(t *testing.T, issued time.Time) string {
	t.Helper()
	a.tokenMu.Lock()
	key := a.keys[a.KeyID()].key
	a.tokenMu.Unlock()
	return signES256(t, key, a.KeyID(), a.TeamID(), issued)
}

func signES256(t *testing.T, key *ecdsa.PrivateKey, kid, iss string, issued time.Time) string {
	t.Helper()
	tok := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{"iss": iss, "iat": issued.Unix()})
	tok.Header["kid"] = kid
	text, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// request is a good request; tests spoil it.
func (a *APNs) request(t *testing.T, token, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL()+apnsPath+token, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("authorization", "bearer "+a.bearer(t, time.Now()))
	r.Header.Set("apns-id", "6ba7b810-9dad-51d1-80b4-00c04fd430c8")
	r.Header.Set("apns-topic", "org.example")
	r.Header.Set("apns-push-type", "alert")
	r.Header.Set("apns-priority", "10")
	r.Header.Set("apns-collapse-id", "c")
	return r
}

const goodBody = `{"aps":{"alert":{"title":"T","body":"B"}},"chat":"c7","hawser":{"v":1}}`

func do(t *testing.T, c *http.Client, r *http.Request) (int, map[string]any, http.Header) {
	t.Helper()
	resp, err := c.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var body map[string]any
	_ = json.NewDecoder(resp.Body).Decode(&body)
	return resp.StatusCode, body, resp.Header
}

func TestAPNsRefusesWhatAppleRefuses(t *testing.T) {
	a := newAPNs(t, APNsOptions{Topics: []string{"org.example"}})
	c := httpClient(t, a.server)
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	bearer := func(text string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("authorization", "bearer "+text) }
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	now := time.Now()
	for _, row := range []struct {
		spoil  func(*http.Request)
		status int
		reason string
	}{
		{func(r *http.Request) { r.Method = http.MethodPut }, 405, "MethodNotAllowed"},
		{func(r *http.Request) { r.URL.Path = "/4/device/aa" }, 404, "BadPath"},
		{func(r *http.Request) { r.URL.Path = apnsPath }, 400, "MissingDeviceToken"},
		{func(r *http.Request) { r.URL.Path = apnsPath + "xyz" }, 400, "BadDeviceToken"},
		{func(r *http.Request) { r.URL.Path = apnsPath + "abc" }, 400, "BadDeviceToken"},
		{func(r *http.Request) { r.Header.Del("authorization") }, 403, "MissingProviderToken"},
		{bearer("x"), 403, "InvalidProviderToken"},
		{bearer(signES256(t, stranger, a.KeyID(), a.TeamID(), now)), 403, "InvalidProviderToken"},
		{bearer(signES256(t, a.keys[a.KeyID()].key, "OTHERKEY", a.TeamID(), now)), 403, "InvalidProviderToken"},
		{bearer(signES256(t, a.keys[a.KeyID()].key, a.KeyID(), "OTHERTEAM", now)), 403, "InvalidProviderToken"},
		{bearer(a.bearer(t, now.Add(time.Minute))), 403, "InvalidProviderToken"},
		{bearer(a.bearer(t, now.Add(-61*time.Minute))), 403, "ExpiredProviderToken"},
		{header("apns-id", "1"), 400, "BadMessageId"},
		{header("apns-id", "{6ba7b810-9dad-51d1-80b4-00c04fd430c8}"), 400, "BadMessageId"},
		{func(r *http.Request) { r.Header.Add("apns-priority", "10") }, 400, "DuplicateHeaders"},
		{header("apns-push-type", "voip"), 400, "BadTopic"},
		{header("apns-expiration", "soon"), 400, "BadExpirationDate"},
		{header("apns-expiration", "-1"), 400, "BadExpirationDate"},
		{header("apns-collapse-id", strings.Repeat("c", 65)), 400, "BadCollapseId"},
		{header("apns-topic", ""), 400, "MissingTopic"},
		{header("apns-topic", "org.other"), 400, "TopicDisallowed"},
		{header("apns-priority", "7"), 400, "BadPriority"},
		{header("apns-push-type", "background"), 400, "BadPriority"},
		{header("apns-push-type", "loud"), 400, "InvalidPushType"},
		{withBody(``), 400, "PayloadEmpty"},
		{withBody(`{"aps"`), 400, "PayloadEmpty"},
		{withBody(`[]`), 400, "PayloadEmpty"},
		{withBody(`{"x":1}`), 400, "PayloadEmpty"},
		{withBody(`{"aps":{},"x":"` + strings.Repeat("x", 4096) + `"}`), 413, "PayloadTooLarge"},
	} {
		r := a.request(t, "aabb", goodBody)
		row.spoil(r)
		status, body, _ := do(t, c, r)
		if status != row.status || body["reason"] != row.reason {
			t.Errorf("got %d %v, want %d %s", status, body["reason"], row.status, row.reason)
		}
	}
	if n := a.Count(); n != 0 {
		t.Errorf("%d refused requests were accepted", n)
	}
}

func withBody(body string) func(*http.Request) {
	return func(r *http.Request) {
		b := bytes.NewBufferString(body)
		fresh, _ := http.NewRequest(r.Method, r.URL.String(), b)
		r.Body, r.ContentLength, r.GetBody = fresh.Body, fresh.ContentLength, fresh.GetBody
	}
}

func TestAPNsKeepsTheLastOfACollapseID(t *testing.T) {
	a := newAPNs(t, APNsOptions{})
	c := httpClient(t, a.server)
	for _, title := range []string{"one", "two", "three"} {
		status, _, h := do(t, c, a.request(t, "aabb", strings.Replace(goodBody, `"T"`, `"`+title+`"`, 1)))
		if status != http.StatusOK || h.Get("apns-id") == "" {
			t.Fatalf("status %d", status)
		}
	}
	other := a.request(t, "aabb", goodBody)
	other.Header.Set("apns-collapse-id", "d")
	do(t, c, other)
	if got := a.ReceivedBy("aabb"); len(got) != 4 || got[2].Title != "three" || got[0].Data["chat"] != "c7" || string(got[0].Hawser) != `{"v":1}` {
		t.Errorf("received %+v", got)
	}
	shown := a.Shown("aabb")
	if len(shown) != 2 {
		t.Fatalf("%d notifications are shown, want 2", len(shown))
	}
	for _, n := range shown {
		if n.Collapse == "c" && n.Title != "three" {
			t.Errorf("shows %q", n.Title)
		}
	}
	if len(a.Shown("ccdd")) != 0 {
		t.Error("another device shows something")
	}
	a.Reset()
	if a.Count() != 0 || len(a.Shown("aabb")) != 0 {
		t.Error("not forgotten")
	}
}

func TestAPNsScript(t *testing.T) {
	a := newAPNs(t, APNsOptions{})
	c := httpClient(t, a.server)
	at := time.UnixMilli(1_700_000_000_123)
	a.Unregister("aabb", at)
	a.Answer(Reply{Status: 429, Reason: "TooManyRequests", RetryAfter: 3 * time.Second}, Reply{Status: 200})
	status, body, _ := do(t, c, a.request(t, "aabb", goodBody))
	if status != 410 || body["reason"] != "Unregistered" || body["timestamp"] != float64(at.UnixMilli()) {
		t.Errorf("%d %v", status, body)
	}
	if status, _, h := do(t, c, a.request(t, "cc", goodBody)); status != 429 || h.Get("Retry-After") != "3" {
		t.Errorf("%d %v", status, h)
	}
	for range 2 {
		if status, _, _ := do(t, c, a.request(t, "cc", goodBody)); status != 200 {
			t.Errorf("%d", status)
		}
	}
	a.ForgetToken("aabb")
	if status, _, _ := do(t, c, a.request(t, "aabb", goodBody)); status != 200 {
		t.Errorf("%d", status)
	}
}
