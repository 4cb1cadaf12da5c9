package apns

import (
	"fmt"
	"net/http"
	"time"

	"github.com/hawser-edge/hawser/push"
)

// demand is what an answer of Apple demands of us.
type demand int

const (
	// ourBug: the request can never succeed; the token is innocent.
	ourBug demand = iota + 1
	// suspectToken: the token may be bad, or our environment is wrong: both
	// look the same, so that one answer alone must not remove it.
	suspectToken
	// deadToken: the token is gone since the answer's timestamp.
	deadToken
	// pauseApp: our credentials are refused.
	pauseApp
	// renewBearer: a new provider token, and this request once more.
	renewBearer
	// backOffDevice: this device has had too many.
	backOffDevice
	// backOffService: Apple has trouble.
	backOffService
	// restSender: nothing more with this key for a while, and no other provider
	// token. No device and no application is at fault.
	restSender
	// reconnect: this connection ends; the request goes on another one.
	reconnect
)

// answer is a row's key: Apple's status and reason.
type answer struct {
	status int
	reason string
}

// table is Apple's "Handling notification responses", and a reason that its
// servers were seen to give under another name. It is never written.
var table = map[answer]demand{
	{400, "BadCollapseId"}:              ourBug,
	{400, "BadDeviceToken"}:             suspectToken,
	{400, "BadExpirationDate"}:          ourBug,
	{400, "BadMessageId"}:               ourBug,
	{400, "BadPriority"}:                ourBug,
	{400, "BadTopic"}:                   ourBug,
	{400, "DeviceTokenNotForTopic"}:     suspectToken,
	{400, "DuplicateHeaders"}:           ourBug,
	{400, "IdleTimeout"}:                reconnect,
	{400, "InvalidPushType"}:            ourBug,
	{400, "MissingDeviceToken"}:         ourBug,
	{400, "MissingTopic"}:               ourBug,
	{400, "PayloadEmpty"}:               ourBug,
	{400, "TopicDisallowed"}:            pauseApp,
	{403, "BadCertificate"}:             pauseApp,
	{403, "BadCertificateEnvironment"}:  pauseApp,
	{403, "BadEnvironmentKeyIdInToken"}: pauseApp,
	{403, "BadEnvironmentKeyInToken"}:   pauseApp, // the same, as the servers word it
	{403, "ExpiredProviderToken"}:       renewBearer,
	{403, "Forbidden"}:                  pauseApp,
	{403, "InvalidProviderToken"}:       pauseApp,
	{403, "MissingProviderToken"}:       pauseApp,
	{403, "UnrelatedKeyIdInToken"}:      pauseApp,
	{404, "BadPath"}:                    ourBug,
	{405, "MethodNotAllowed"}:           ourBug,
	{410, "ExpiredToken"}:               deadToken,
	{410, "Unregistered"}:               deadToken,
	{413, "PayloadTooLarge"}:            ourBug,
	{429, tooManyUpdates}:               restSender,
	{429, tooManyRequests}:              backOffDevice,
	{500, "InternalServerError"}:        backOffService,
	{503, "ServiceUnavailable"}:         backOffService,
	{503, "Shutdown"}:                   reconnect,
}

const (
	tooManyUpdates  = "TooManyProviderTokenUpdates"
	tooManyRequests = "TooManyRequests"
)

const (
	// serviceProbe is the first wait when Apple has trouble.
	serviceProbe = 30 * time.Second
	// deviceWait is how long a device is left alone that had too many messages.
	deviceWait = time.Minute
)

// demanded reads the table. An answer that is not in it (a proxy's page, a
// reason of next year) never costs a token or a message.
func demanded(status int, reason string) (demand, string) {
	if d, ok := table[answer{status, reason}]; ok {
		return d, reason
	}
	word := fmt.Sprintf("http %d", status)
	switch {
	case status == http.StatusForbidden && reason != "":
		return pauseApp, word
	case status == http.StatusTooManyRequests:
		return backOffDevice, word
	default:
		return backOffService, word
	}
}

// result words the verdict on a message that Apple did not take.
func (e *exchange) result() push.Result {
	d, reason := demanded(e.status, e.reason)
	r := push.Result{Reason: reason, After: e.retryAfter}
	switch d {
	case ourBug:
		r.Verdict = push.Dead
	case suspectToken:
		r.Verdict = push.SuspectToken
	case deadToken:
		r.Verdict, r.Unregistered = push.DropToken, e.timestamp
	case pauseApp, renewBearer, restSender:
		r.Verdict = push.PauseApp
	case backOffService:
		r.Verdict, r.Cause, r.After = push.RetryAfter, push.OfService, max(e.retryAfter, serviceProbe)
	case reconnect:
		r.Verdict, r.Cause = push.RetryAfter, push.OfLine
	default:
		r.Verdict = push.RetryAfter
	}
	return r
}
