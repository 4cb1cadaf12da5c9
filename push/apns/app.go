package apns

import (
	"context"
	"encoding/hex"
	"time"

	"github.com/sideshow/apns2"

	"github.com/hawser-edge/hawser/push"
)

// maxToken bounds a device token in hexadecimal digits; Apple's have 64 today
// and no promised length.
const maxToken = 400

// App sends to one application. It implements push.Provider.
type App struct {
	push.Opaque

	// Static after construction.
	topic   string
	sender  *sender
	release func()
}

// Close gives the connections up, which end with their last application.
// Messages under way then fail.
func (a *App) Close() { a.release() }

var _ push.Provider = (*App)(nil)

// Send makes one attempt.
func (a *App) Send(ctx context.Context, m push.Message) push.Result {
	if !validToken(m.Token) {
		return push.Result{Verdict: push.SuspectToken, Reason: "malformed token"}
	}
	n, ok := a.notification(m)
	if !ok {
		return push.Result{Verdict: push.Dead, Reason: "PayloadTooLarge"}
	}
	e, r := a.sender.once(ctx, n)
	if d, _ := demanded(e.status, e.reason); e.status == 0 || d != renewBearer {
		return r
	}
	// Refused for the provider token's age, so surely not delivered.
	if !a.sender.bearer.refresh(e.bearer, time.Now()) {
		return r
	}
	_, r = a.sender.once(ctx, n)
	return r
}

// once makes one request.
func (s *sender) once(ctx context.Context, n *apns2.Notification) (*exchange, push.Result) {
	now := time.Now()
	if left := s.rest.left(now); left > 0 {
		return &exchange{}, push.Result{Verdict: push.PauseApp, Reason: tooManyUpdates, After: left}
	}
	if left := s.devices.Wait(n.DeviceToken, now); left > 0 {
		return &exchange{}, push.Result{Verdict: push.RetryAfter, Reason: tooManyRequests, After: left}
	}
	if _, err := s.bearer.get(now); err != nil {
		return &exchange{}, push.Result{Verdict: push.PauseApp, Reason: "provider token not signed"}
	}
	e := &exchange{h2: s.h2, lane: s.lane(n.DeviceToken)}
	// The library's own reading of the answer is not used: e knows more.
	_, _ = s.client.PushWithContext(withExchange(ctx, e), n)
	switch {
	case e.status == 0:
		return e, e.failure(ctx)
	case e.taken:
		s.known.add(n.DeviceToken)
		s.rest.over()
		return e, push.Result{Verdict: push.Delivered}
	default:
		return e, s.learn(e, n.DeviceToken)
	}
}

// learn words the verdict on a message that Apple did not take, and remembers what it
// says of the messages that follow.
func (s *sender) learn(e *exchange, token string) push.Result {
	now, r := time.Now(), e.result()
	switch d, _ := demanded(e.status, e.reason); d {
	case suspectToken, deadToken:
		s.known.remove(token)
	case restSender:
		s.bearer.keep(e.bearer, now)
		r.After = s.rest.begin(now, r.After)
	case backOffDevice:
		r.After = max(r.After, deviceWait)
		s.devices.Hold(token, now, r.After)
	}
	return r
}

// validToken keeps anything but a token out of the request's path.
func validToken(token string) bool {
	_, err := hex.DecodeString(token)
	return err == nil && token != "" && len(token) <= maxToken
}
