package push

import (
	"context"
	"time"
)

// Platforms as device records name them.
const (
	IOS     = "ios"
	Android = "android"
)

// AppKey names one application of a tenant at its push provider.
type AppKey struct {
	Tenant string
	// Platform and App are those of the device's Record.
	Platform, App string
}

// Provider sends to one application at one push service. Send makes one
// attempt, waits no longer than its context allows and is safe for concurrent
// use. Retrying is the worker's part: only the worker knows what a later
// attempt should say.
//
// The worker knows nothing of a service but its Results. Huawei, Xiaomi or Web
// Push are each one more package with a Provider, a table of the service's
// answers as Results, and an entry in Config.Apps: a Web Push subscription, its
// endpoint and keys, fits into Message.Token as the text that the device
// registered.
type Provider interface {
	Send(ctx context.Context, m Message) Result
}

// Limited is a Provider whose service bounds what an application sends.
type Limited interface {
	Provider
	// PerSecond is the most messages a second, above 0.
	PerSecond() float64
}

// Verdict is what an answer of a provider demands.
type Verdict int

const (
	// Delivered: the provider took the message.
	Delivered Verdict = iota
	// RetryAfter: this message again later.
	RetryAfter
	// DropToken: the device will never be reached under this token. It goes
	// once that is confirmed.
	DropToken
	// SuspectToken: the token is refused, but a wrong environment, topic or
	// project of ours looks the same. It goes only where the application's
	// other devices are reached, once that is confirmed.
	SuspectToken
	// PauseApp: nothing of this application can be sent for now. Its jobs
	// wait; tokens and jobs are kept.
	PauseApp
	// Dead: this message can never be sent. The token stays.
	Dead
)

// String returns the verdict's name as metrics and logs have it.
func (v Verdict) String() string {
	switch v {
	case Delivered:
		return "delivered"
	case RetryAfter:
		return "retry"
	case DropToken:
		return "drop_token"
	case SuspectToken:
		return "suspect_token"
	case PauseApp:
		return "pause_app"
	case Dead:
		return "dead"
	default:
		return "unknown"
	}
}

// Cause says whom a RetryAfter concerns: what else would fail as well.
type Cause int

const (
	// OfMessage: this message, or its device.
	OfMessage Cause = iota
	// OfLine: no answer came. The service is not reachable, or silent.
	OfLine
	// OfService: the service has trouble.
	OfService
	// OfQuota: the application has sent too much in too short a time.
	OfQuota
	// OfApp: the application is refused. It goes with PauseApp, not with
	// RetryAfter.
	OfApp
)

// String returns the cause's name as logs have it.
func (c Cause) String() string {
	switch c {
	case OfLine:
		return "no answer"
	case OfService:
		return "trouble of the service"
	case OfQuota:
		return "quota"
	case OfApp:
		return "refused"
	default:
		return "message"
	}
}

// Result is a provider's answer.
type Result struct {
	Verdict Verdict
	// Cause of a RetryAfter.
	Cause Cause
	// Reason is one of a bounded set of words, the provider's own where it
	// gave one. It never holds a token or content. Empty if Delivered.
	Reason string
	// After is how long the provider asked to wait, for RetryAfter and
	// PauseApp. The worker adds to it, and never less. 0: the worker decides.
	After time.Duration
	// Unregistered is when the provider saw the token become invalid, for
	// DropToken. A token registered later is kept. Zero: not said, the token
	// is invalid now.
	Unregistered time.Time
}

// trouble says what the result tells of more than its message.
func (r Result) trouble() Cause {
	switch r.Verdict {
	case PauseApp:
		return OfApp
	case RetryAfter:
		return r.Cause
	default:
		return OfMessage
	}
}
