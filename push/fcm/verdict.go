package fcm

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hawser-edge/hawser/push"
)

// demand is what an answer of Google demands of us.
type demand int

const (
	// none: delivered.
	none demand = iota
	// deadToken: the token is gone.
	deadToken
	// suspectToken: the token or something else of the message is bad. A dry
	// run of a message without content tells which.
	suspectToken
	// ourBug: the message can never succeed; the token is innocent.
	ourBug
	// foreignToken: the token is another project's. Either our configuration
	// is wrong, and every token at once, or this one device registered a token
	// that it had made elsewhere.
	foreignToken
	// foreignPlatform: the token is an iPhone's or a browser's, which Google
	// cannot reach for this project. Devices of Android are not concerned, and
	// anybody can register such a token: it must not stop the others.
	foreignPlatform
	// pauseApp: our credentials or the project are refused.
	pauseApp
	// renewAccess: a new access token, and this message once more.
	renewAccess
	// slowProject: the whole project has sent too much.
	slowProject
	// slowDevice: this device has been sent too much.
	slowDevice
	// backOff: Google has trouble.
	backOff
)

// table is Google's "ErrorCode" page: what the FcmError detail says. It is
// never written.
var table = map[string]demand{
	"UNREGISTERED":           deadToken,
	"INVALID_ARGUMENT":       suspectToken,
	"SENDER_ID_MISMATCH":     foreignToken,
	"THIRD_PARTY_AUTH_ERROR": foreignPlatform,
	"QUOTA_EXCEEDED":         slowProject,
	"UNAVAILABLE":            backOff,
	"INTERNAL":               backOff,
}

const (
	// quotaWait and troubleWait are the least waits that Google asks for.
	quotaWait   = time.Minute
	troubleWait = 10 * time.Second
	// platformWait is for how long a device is left alone that is none of
	// Android's: an operator has to act first.
	platformWait = 10 * time.Minute
)

// demand reads the table, and the status where no FcmError detail came. An
// answer that is no answer of FCM's (a proxy's page) never costs a token or a
// message.
func (e *exchange) demand() demand {
	if e.err != nil || !e.tried {
		return backOff
	}
	if e.taken {
		return none
	}
	if e.status == http.StatusTooManyRequests && e.ofDevice {
		return slowDevice
	}
	if d, ok := table[e.code]; ok && !(d == suspectToken && e.badRequest) {
		return d
	}
	switch {
	case e.badRequest:
		return ourBug
	case e.badToken:
		return suspectToken
	case e.status == http.StatusUnauthorized:
		return renewAccess
	case e.status == http.StatusForbidden && e.rpc == "PERMISSION_DENIED":
		return pauseApp
	case e.status == http.StatusTooManyRequests:
		return slowProject
	default:
		return backOff
	}
}

// reason is the FcmError code if it is a known one, else the HTTP status.
func (e *exchange) reason() string {
	if _, ok := table[e.code]; ok {
		return e.code
	}
	return fmt.Sprintf("http %d", e.status)
}

// result words the verdict on an answer.
func (e *exchange) result() push.Result {
	r := push.Result{Reason: e.reason(), After: e.retryAfter}
	switch e.demand() {
	case none:
		return push.Result{Verdict: push.Delivered}
	case deadToken:
		r.Verdict = push.DropToken
	case suspectToken, foreignToken:
		r.Verdict = push.SuspectToken
	case ourBug:
		r.Verdict = push.Dead
	case pauseApp, renewAccess:
		r.Verdict = push.PauseApp
	case foreignPlatform:
		r.Verdict, r.After = push.RetryAfter, max(e.retryAfter, platformWait)
	case slowDevice:
		r.Verdict, r.After = push.RetryAfter, max(e.retryAfter, quotaWait)
	case slowProject:
		r.Verdict, r.Cause, r.After = push.RetryAfter, push.OfQuota, max(e.retryAfter, quotaWait)
	default:
		r.Verdict, r.Cause, r.After = push.RetryAfter, push.OfService, max(e.retryAfter, troubleWait)
	}
	return r
}

// failure words the verdict on an attempt without an answer. Whether the
// message was delivered is unknown.
func failure(ctx context.Context, err error) push.Result {
	_, refused := refusal(err)
	switch {
	case refused:
		return push.Result{Verdict: push.PauseApp, Reason: "service account refused"}
	case ctx.Err() != nil:
		return push.Result{Verdict: push.RetryAfter, Cause: push.OfLine, Reason: "timeout"}
	case errors.Is(err, errAccess):
		return push.Result{Verdict: push.RetryAfter, Cause: push.OfLine, Reason: "no access token"}
	default:
		return push.Result{Verdict: push.RetryAfter, Cause: push.OfLine, Reason: "no connection"}
	}
}
