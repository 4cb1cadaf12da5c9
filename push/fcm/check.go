package fcm

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"firebase.google.com/go/v4/messaging"
	"golang.org/x/oauth2"

	"github.com/hawser-edge/hawser/push"
)

var _ push.Checker = (*Client)(nil)

// noDevice is a token that no device has.
const noDevice = "hawser-credential-check:no-device"

// Check asks for an access token and has Google validate, but not send, a
// message to a token that no device has: Google looks at the credential before
// it looks at the token.
func (c *Client) Check(ctx context.Context) push.Diagnosis {
	if _, err := c.access.get(ctx); err != nil {
		return c.explainAccess(ctx, err)
	}
	e, r := c.renewing(ctx, &messaging.Message{Token: noDevice}, true)
	switch {
	case e.taken, e.status == http.StatusBadRequest && e.rpc != "", e.demand() == deadToken:
		return push.Diagnosis{Finding: push.CredentialWorks}
	case e.status == http.StatusNotFound && e.rpc == "NOT_FOUND":
		return c.word("project not found", "project not found")
	case e.status == http.StatusForbidden && words[e.info].problem != "":
		return c.word(e.info, e.info)
	case e.demand() == foreignToken:
		return c.word("another project", r.Reason)
	default:
		return c.Explain(r)
	}
}

// explainAccess words why there is no access token.
func (c *Client) explainAccess(ctx context.Context, err error) push.Diagnosis {
	var refused *oauth2.RetrieveError
	if _, ok := refusal(err); !ok || !errors.As(err, &refused) {
		return c.Explain(failure(ctx, err))
	}
	date, _ := http.ParseTime(refused.Response.Header.Get("Date"))
	if d, off := push.ClockOff(date, time.Now()); off {
		d.Reason = oauthReason(refused)
		return d
	}
	return c.word(oauthReason(refused), oauthReason(refused))
}

// oauthReasons are pieces of the descriptions that Google gives with
// invalid_grant, which alone says nothing.
var oauthReasons = []struct{ piece, reason string }{
	{"signature", "key not valid"},
	{"disabled", "account disabled"},
	{"not found", "account not found"},
	{"deleted", "account not found"},
	{"timeframe", "clock"},
}

// oauthReason returns one of a bounded set of words. The library leaves the
// reading of the answer's body to its caller.
func oauthReason(e *oauth2.RetrieveError) string {
	said := strings.ToLower(string(e.Body))
	for _, o := range oauthReasons {
		if strings.Contains(said, o.piece) {
			return o.reason
		}
	}
	return "service account refused"
}

// Explain implements push.Checker.
func (c *Client) Explain(r push.Result) push.Diagnosis {
	switch {
	case r.Verdict == push.Delivered:
		return push.Diagnosis{Finding: push.CredentialWorks}
	case r.Verdict == push.Dead:
		return c.word("message", r.Reason)
	case words[r.Reason].problem != "":
		return c.word(r.Reason, r.Reason)
	case r.Verdict == push.PauseApp:
		return c.word("refused", r.Reason)
	default:
		return c.word("trouble", r.Reason)
	}
}

// word fills a row of words with what is the client's own.
func (c *Client) word(row, reason string) push.Diagnosis {
	a := words[row]
	fill := strings.NewReplacer("{project}", c.project, "{account}", c.access.conf.Email)
	return push.Diagnosis{
		Finding: a.finding, Reason: reason, Problem: fill.Replace(a.problem), Remedy: fill.Replace(a.remedy),
	}
}
