package session

import (
	"context"
	"time"

	"github.com/hawser-edge/hawser/gateway/token"
	"github.com/hawser-edge/hawser/gateway/wire"
)

// Registry tells the routers of sessions and devices. Methods without an error
// never block and do not call back into the Hub before they return.
type Registry interface {
	// Register announces a session, or the change of one with the same Conn.
	Register(Registration)
	// Unregister takes a session back. The calls of one session come in
	// order.
	Unregister(conn uint64)
	// Answer tells a router how a notify of its fares. It may be dropped:
	// routers ask again.
	Answer(router string, a Answer)
	// PutDevice stores a device's record and returns once it is stored.
	PutDevice(ctx context.Context, d Device) error
	// RemoveDevice removes a device's record and returns once it is gone; a
	// record that does not exist is no error. jwt is as in Device.
	RemoveDevice(ctx context.Context, tenant, user, device, jwt string) error
}

// Registration is a session as routers need to know it.
type Registration struct {
	Conn                 uint64
	Tenant, User, Device string
	// Epoch orders the sessions of a device; see wirepb.Welcome.
	Epoch int64
	// Background: the application sleeps, and its sockets with it, so that a
	// notify has to be pushed at once: on iOS in the background, on others where
	// the device says that it is asleep.
	Background bool
	// Platform is as in Device.
	Platform string
}

// AnswerState is how a notify fares.
type AnswerState uint8

// The states of a notify.
const (
	// Acked: the device has the version, or a newer one.
	Acked AnswerState = iota + 1
	// InFlight: the notify, or a newer one, is on its way to the device.
	InFlight
	// Gone: there is no such session here.
	Gone
)

// String returns the state's name in metrics.
func (s AnswerState) String() string {
	switch s {
	case Acked:
		return "acked"
	case InFlight:
		return "in_flight"
	case Gone:
		return "gone"
	}
	return "unknown"
}

// Answer is what the edge says to a notify, at once and again when the device
// acknowledges or goes.
type Answer struct {
	Conn  uint64
	Kind  string
	State AnswerState
	// Acked is what the device has of the kind, never above what a router has
	// named on this session. 0: nothing yet.
	Acked int64
	// Version is the one that the router's notify named.
	Version int64
	// Fetching: the device fetches the kind at this moment.
	Fetching bool
	// Rides: the notify waits for the device's next frame, which is due within
	// that time; 0: it does not wait.
	Rides time.Duration
}

// Head is a kind's newest version.
type Head struct {
	Kind    string
	Version int64
}

// Device is a device's record.
type Device struct {
	Tenant, User, Device string
	// Platform is "ios", "android", "other" or "" where the device did not
	// say.
	Platform string
	// App is the application's identifier at the push provider.
	App string
	// PushToken is a secret: it must not be logged.
	PushToken string
	// Epoch is the session's: of two records the greater one counts.
	Epoch int64
	// JWT is the device's own token, by which routers tell that the device
	// wants this. It is a secret: it must not be logged.
	JWT string
	// RegisteredMs is from when the registration counts, in unix milliseconds:
	// a device that was removed after it stays removed. 0: from the call.
	RegisteredMs int64
}

// Relay passes a device's request to a core service.
type Relay interface {
	// Call returns the service's answer. An error with a method
	// Status() wire.Status has that status and its text is shown to the
	// device; any other is logged and becomes StatusInternal. The deadline is
	// ctx's.
	Call(ctx context.Context, c Call) (body []byte, err error)
}

// Call is a device's request to a core service.
type Call struct {
	Tenant, User, Device string
	// Token is the device's JWT, for the service to verify. It is a secret.
	Token           string
	Service, Method string
	Body            []byte
}

// StatusError is what a Relay's error implements to choose the status.
type StatusError interface {
	error
	Status() wire.Status
}

// Verifier checks a device's token; *token.Verifier is one. An error that
// wraps token.ErrExpired closes with 3501, any other with 3500. VerifyIf asks
// worth before it looks at the signature, and returns its error as it is.
type Verifier interface {
	Verify(token string, now time.Time) (token.Identity, error)
	VerifyIf(token string, now time.Time, worth func(claimed token.Identity) error) (token.Identity, error)
}

// Kinds returns a tenant's kinds in a stable order, at most wire.MaxKinds, or
// nil for a tenant that is not served here, whose devices are closed with
// 3506. The slice is not changed afterwards by either side.
type Kinds func(tenant string) []string
