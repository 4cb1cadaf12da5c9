package edgelink

import "time"

// Session is a live connection of a device that has said Hello.
type Session struct {
	// Conn is unique in the edge's process and never used again.
	Conn                 uint64
	Tenant, User, Device string
	// Epoch orders the sessions of a device, the greater one wins.
	Epoch int64
	// Background: the application is stopped by its platform, push at once.
	Background bool
	// Platform is "ios", "android", "other" or "" where the device did not
	// say.
	Platform string
}

// AnswerState is a session's answer to a notify.
type AnswerState uint8

// The answers.
const (
	// Acked: the device acknowledged the notified version or a newer one.
	Acked AnswerState = iota + 1
	// InFlight: the notify, or a newer one, waits for the device.
	InFlight
	// Gone: there is no such session here.
	Gone
)

// Answer is a session's state after a notify, or after an acknowledgement.
type Answer struct {
	Conn  uint64
	Kind  string
	State AnswerState
	// Acked is what the device acknowledged of the kind, or 0.
	Acked int64
	// Version is the version that the notify named.
	Version int64
	// Fetching: the device fetches the kind at this moment.
	Fetching bool
	// Rides: the notify waits for the device's next frame, which is due by
	// then; 0: it does not wait.
	Rides time.Duration
}

// Head is the newest version of a kind.
type Head struct {
	Kind    string
	Version int64
}

// Device is a registration of a device for pushes.
type Device struct {
	Tenant, User, Device string
	// Platform is "ios", "android" or "other".
	Platform string
	// App is the application's identifier at its push provider.
	App string
	// PushToken is a secret: never logged.
	PushToken string
	Epoch     int64
	// JWT is the device's own token, which the router verifies. A secret:
	// never logged.
	JWT string
	// RegisteredMs is from when the registration counts, in unix milliseconds;
	// 0: from the call.
	RegisteredMs int64
}

// Handler is what the link tells the sessions. Its methods are called from
// the link's goroutines, several at a time, and must not block: the link does
// nothing else meanwhile. They may call the link's methods.
type Handler interface {
	// Notify passes news on and returns the session's state at once.
	Notify(conn uint64, router, kind string, version, previous int64) Answer
	// NotifyCalm is Notify of what the device need not be woken for.
	NotifyCalm(conn uint64, router, kind string, version, previous int64) Answer
	// Heads brings the heads of the session's user; the link calls it once
	// the session is verified, and again each time that it is verified anew.
	Heads(conn uint64, heads []Head)
	// Back says that NATS was away and is back: what could not be answered
	// meanwhile can be now.
	Back()
	// Supersede ends a session whose device has a newer one elsewhere. It
	// may be called more than once.
	Supersede(conn uint64)
	// Cut ends a session if it is over because the backend said so: if its
	// epoch is at most sessionsMs, or its token was issued before tokensS, in
	// seconds since 1970. It may be called more than once.
	Cut(conn uint64, sessionsMs, tokensS int64)
	// Surplus ends a session because its user has newer devices and is allowed
	// no more. It may be called more than once.
	Surplus(conn uint64)
	// RefuseEpoch ends a session whose epoch is too far ahead of a router's
	// clock. It may be called more than once.
	RefuseEpoch(conn uint64)
}
