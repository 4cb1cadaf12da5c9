package fcm

import (
	"bytes"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hawser-edge/hawser/push"
	"github.com/hawser-edge/hawser/push/providertest"
	"github.com/hawser-edge/hawser/push/pushtest"
)

func TestCheckSaysWhatIsWrongWithACredential(t *testing.T) {
	denied := func(reason string) pushtest.Reply {
		return pushtest.Reply{Status: http.StatusForbidden, ContentType: "application/json",
			Raw: `{"error":{"status":"PERMISSION_DENIED","details":[{"@type":"` + typeErrorInfo + `","reason":"` + reason + `"}]}}`}
	}
	refused := func(description string) pushtest.Reply {
		return pushtest.Reply{Status: http.StatusBadRequest, ContentType: "application/json",
			Raw: `{"error":"invalid_grant","error_description":"` + description + `"}`}
	}
	for _, c := range []struct {
		name    string
		change  func(*Config)
		answer  pushtest.Reply
		oauth   pushtest.Reply
		finding push.Finding
		says    string
	}{
		{name: "good, as the simulator takes any token", finding: push.CredentialWorks},
		{name: "good", answer: pushtest.Reply{Status: http.StatusBadRequest, Reason: "INVALID_ARGUMENT"}, finding: push.CredentialWorks},
		{name: "project", change: func(c *Config) { c.Project = "other" }, finding: push.CredentialRefused, says: "another project than other"},
		{name: "no project", answer: pushtest.Reply{Status: http.StatusNotFound}, finding: push.CredentialRefused, says: "knows no project"},
		{name: "API off", answer: denied("SERVICE_DISABLED"), finding: push.CredentialRefused, says: "not enabled"},
		{name: "role", answer: denied("IAM_PERMISSION_DENIED"), finding: push.CredentialRefused, says: "may not send"},
		{name: "disabled", oauth: refused("Robot is disabled."), finding: push.CredentialRefused, says: "disabled"},
		{name: "deleted key", oauth: refused("Invalid JWT Signature."), finding: push.CredentialRefused, says: "key was deleted"},
		{name: "deleted", oauth: refused("Invalid grant: account not found"), finding: push.CredentialRefused, says: "does not exist"},
		{name: "clock", oauth: refused("Invalid JWT: Token must be a short-lived token and in a reasonable timeframe"),
			finding: push.CredentialRefused, says: "clock"},
		{name: "clock, as Google's tells", oauth: pushtest.Reply{Status: http.StatusBadRequest, Reason: "invalid_grant", Date: time.Now().Add(-time.Hour)},
			finding: push.CredentialRefused, says: " fast by the push service's"},
		{name: "oauth trouble", oauth: pushtest.Reply{Status: http.StatusBadGateway}, finding: push.CredentialUnknown, says: "token endpoint"},
		{name: "a proxy's page", answer: pushtest.HTMLError(http.StatusOK), finding: push.CredentialUnknown, says: "is not Google"},
		{name: "a proxy's complaint", answer: pushtest.HTMLError(http.StatusBadRequest), finding: push.CredentialUnknown, says: "trouble"},
		{name: "trouble", answer: pushtest.Reply{Status: http.StatusServiceUnavailable, Reason: "UNAVAILABLE"},
			finding: push.CredentialUnknown, says: "trouble"},
	} {
		t.Run(c.name, func(t *testing.T) {
			sim := providertest.Simulator(t, pushtest.NewFCM, pushtest.FCMOptions{})
			cfg := configFor(sim)
			if c.change != nil {
				c.change(&cfg)
			}
			client, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(client.Close)
			if c.answer.Status != 0 {
				sim.Answer(c.answer)
			}
			if c.oauth.Status != 0 {
				sim.AnswerOAuth(c.oauth)
			}
			d := client.Check(t.Context())
			if d.Finding != c.finding || !strings.Contains(d.Problem, c.says) {
				t.Errorf("diagnosis: %s", d)
			}
			if key := bytes.Split(cfg.Credentials, []byte(`\n`))[1]; strings.Contains(d.String(), string(key)) {
				t.Error("the diagnosis shows the key")
			}
			if got := sim.Received(); len(got) != 0 {
				t.Errorf("the trial sent %d messages", len(got))
			}
		})
	}
}
