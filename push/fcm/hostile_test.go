package fcm

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

// startAt returns a client of a simulator whose token endpoint is h, and the
// client's log.
func startAt(t *testing.T, sim *pushtest.FCM, h http.Handler) (*Client, *bytes.Buffer) {
	t.Helper()
	endpoint := httptest.NewTLSServer(h)
	t.Cleanup(endpoint.Close)
	var account map[string]any
	if err := json.Unmarshal(sim.ServiceAccount(), &account); err != nil {
		t.Fatal(err)
	}
	account["token_uri"] = endpoint.URL
	cfg, log := configFor(sim), &bytes.Buffer{}
	cfg.Credentials, _ = json.Marshal(account)
	cfg.RootCAs = cfg.RootCAs.Clone()
	cfg.RootCAs.AddCert(endpoint.Certificate())
	cfg.Log = slog.New(slog.NewJSONHandler(log, nil))
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, log
}

// Whatever a token endpoint answers, no message is sent without a token, the push
// waits, and the log stays short and has nothing of what was posted.
func TestHostileTokenEndpoint(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
	echo := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			posted, _ := io.ReadAll(r.Body)
			w.WriteHeader(status)
			_, _ = w.Write(bytes.Repeat(append(posted, '\n'), 200))
		}
	}
	for what, h := range map[string]http.HandlerFunc{
		"trouble that tells what was posted": echo(http.StatusInternalServerError),
		"no JSON":                            echo(http.StatusOK),
		"a header without end": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", strings.Repeat("9", 2*maxTokenHeader))
			_, _ = io.WriteString(w, `{"access_token":"a","expires_in":3600}`)
		},
		"no token":          func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "{}") },
		"a page to log in":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "<html>") },
		"a token of a list": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"access_token":[1]}`) },
	} {
		t.Run(what, func(t *testing.T) {
			c, log := startAt(t, sim, h)
			if r := providertest.Send(t, c, message()); r.Verdict != push.RetryAfter || r.Reason != "no access token" {
				t.Errorf("result %+v", r)
			}
			if n := len(sim.Requests()); n != 0 {
				t.Errorf("%d messages were sent without a token", n)
			}
			if log.Len() == 0 || log.Len() > 1000 || strings.Contains(log.String(), "assertion") {
				t.Errorf("the log has %d bytes: %.200s", log.Len(), log)
			}
		})
	}
}

// What asks for an access token is as good as one: no redirect takes it anywhere,
// and none is taken for a refusal.
func TestTokenEndpointThatRedirects(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		var elsewhere atomic.Int64
		thief := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { elsewhere.Add(1) }))
		t.Cleanup(thief.Close)
		c, _ := startAt(t, sim, http.RedirectHandler(thief.URL, status))
		if r := providertest.Send(t, c, message()); r.Verdict != push.RetryAfter || r.Reason != "no access token" {
			t.Errorf("%d: %+v", status, r)
		}
		if n := elsewhere.Load(); n != 0 {
			t.Errorf("%d: %d requests went where the redirect points to", status, n)
		}
	}
}
