package apns

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestCheckSaysWhatIsWrongWithACredential(t *testing.T) {
	sim := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{Topics: []string{topic}})
	other := providertest.Simulator(t, pushtest.NewAPNs, pushtest.APNsOptions{})
	for _, c := range []struct {
		name    string
		change  func(*Config)
		answer  pushtest.Reply
		finding push.Finding
		says    string
	}{
		{name: "good", answer: pushtest.Reply{Status: http.StatusBadRequest, Reason: "BadDeviceToken"}, finding: push.CredentialWorks},
		{name: "team", change: func(c *Config) { c.TeamID = "OTHERTEAM1" }, finding: push.CredentialRefused, says: "OTHERTEAM1"},
		{name: "key id", change: func(c *Config) { c.KeyID = "OTHERKEY01" }, finding: push.CredentialRefused, says: "OTHERKEY01"},
		{name: "key", change: func(c *Config) { c.Key = other.Key() }, finding: push.CredentialRefused, says: "revoked"},
		{name: "topic", change: func(c *Config) { c.Topic = "org.example.other" }, finding: push.CredentialRefused, says: "org.example.other"},
		{name: "environment", answer: pushtest.Reply{Status: http.StatusForbidden, Reason: "BadEnvironmentKeyIdInToken"},
			finding: push.CredentialRefused, says: "sandbox or production"},
		{name: "environment, as servers word it", answer: pushtest.Reply{Status: http.StatusForbidden, Reason: "BadEnvironmentKeyInToken"},
			finding: push.CredentialRefused, says: "sandbox or production"},
		{name: "clock", answer: pushtest.Reply{Status: http.StatusForbidden, Reason: "ExpiredProviderToken"},
			finding: push.CredentialRefused, says: "clock"},
		{name: "clock, as Apple's tells", answer: pushtest.Reply{Status: http.StatusForbidden, Reason: "ExpiredProviderToken", Date: time.Now().Add(time.Hour)},
			finding: push.CredentialRefused, says: " slow by the push service's"},
		{name: "clock that is right", answer: pushtest.Reply{Status: http.StatusForbidden, Reason: "InvalidProviderToken", Date: time.Now()},
			finding: push.CredentialRefused, says: "revoked"},
		{name: "a proxy's page", answer: pushtest.HTMLError(http.StatusOK), finding: push.CredentialUnknown, says: "is not Apple"},
		{name: "trouble", answer: pushtest.Reply{Status: http.StatusServiceUnavailable, Reason: "ServiceUnavailable"},
			finding: push.CredentialUnknown, says: "trouble"},
	} {
		t.Run(c.name, func(t *testing.T) {
			pool := NewPool(quiet())
			t.Cleanup(pool.Close)
			cfg := configFor(sim)
			if c.change != nil {
				c.change(&cfg)
			}
			if c.answer.Status != 0 {
				sim.Answer(c.answer)
			}
			app, err := pool.App(cfg)
			if err != nil {
				t.Fatal(err)
			}
			if d := app.Check(t.Context()); d.Finding != c.finding || !strings.Contains(d.Problem, c.says) {
				t.Errorf("diagnosis: %s", d)
			}
		})
	}
}

func TestAKeyThatIsNoneIsNamed(t *testing.T) {
	for given, says := range map[string]string{
		"":                         "empty",
		`{"type":"x"}`:             "Google",
		"\x30\x82\x01":             "binary",
		"hello":                    "no PEM",
		pemOf("CERTIFICATE"):       "certificate",
		pemOf("PUBLIC KEY"):        "public key",
		pemOf("RSA PRIVATE KEY"):   "another kind",
		pemOf("PRIVATE KEY"):       "another kind",
		pemOf("PRIVATE KEY") + "X": "another kind",
	} {
		_, err := newBearer("TEAM", "KEY", []byte(given))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.20q: %v, want %q", given, err, says)
		}
	}
}

func pemOf(what string) string {
	return "-----BEGIN " + what + "-----\nAAAA\n-----END " + what + "-----\n"
}
