package push

import (
	"context"
	"fmt"
	"log/slog"
	"time"
)

// PresenceState is what the routers know about a device and an event.
type PresenceState int

const (
	// Unknown: no router could say. The worker asks again for a while and
	// then sends.
	Unknown PresenceState = iota
	// Away: no session. Send.
	Away
	// Doubtful: a session that let an event time out. Send.
	Doubtful
	// Covered: the device acknowledged the version. No push.
	Covered
	// InFlight: a session was notified just now. Ask again, and send once the
	// event is older than its urgency allows.
	InFlight
	// Fetching: a session fetches the kind at this moment, or registered just now
	// and is likely to. As InFlight, and for some seconds more: the device is
	// alive, and its backend may be slow.
	Fetching
)

// Presence asks the routers whether a device still needs a push.
type Presence interface {
	// Check returns promptly; an error counts as Unknown.
	Check(ctx context.Context, t Target) (PresenceState, error)
}

// Record is what is known of a registered device.
type Record struct {
	// Platform is "ios", "android" or "other".
	Platform string
	// App is the application's identifier at its push provider.
	App string
	// Token is the provider's address of the device. Never logged.
	Token string
	// RegisteredAt is when the device registered this token, by its edge's
	// clock.
	RegisteredAt time.Time
	// RejectedAt is when MarkRejected was called. Zero: it was not since the
	// device registered.
	RejectedAt time.Time
	// Revision names this state of the record: every write changes it.
	Revision uint64
	// Found is false if there is no record.
	Found bool
}

// Format keeps the token out of whatever prints a record.
func (r Record) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "record {found %t, platform %q, app %q, revision %d}", r.Found, r.Platform, r.App, r.Revision)
}

// LogValue implements slog.LogValuer.
func (r Record) LogValue() slog.Value { return slog.StringValue(fmt.Sprint(r)) }

// MarshalText implements encoding.TextMarshaler, which JSON uses.
func (r Record) MarshalText() ([]byte, error) { return fmt.Append(nil, r), nil }

// Records reads and cleans the device records.
type Records interface {
	// Record returns Found false, and no error, for a device without record.
	Record(ctx context.Context, tenant, user, device string) (Record, error)
	// MarkRejected notes since when the token is rejected, if the record still
	// is what it was at this revision. It reports whether it did. A device
	// that registers the same token again clears the mark, and that changes
	// the revision.
	MarkRejected(ctx context.Context, tenant, user, device string, revision uint64, since time.Time) (bool, error)
	// DropToken removes the record if it still is what it was at this
	// revision. It reports whether it did.
	DropToken(ctx context.Context, tenant, user, device string, revision uint64) (bool, error)
}

// Heads reads the newest event of a user's kind.
type Heads interface {
	// Head returns the newest version, 0 if there is none, and that event's
	// push content as JSON, nil if it has none.
	Head(ctx context.Context, tenant, user, kind string) (version int64, content []byte, err error)
}

// Events tells backends what became of tokens and pushes. Calls are repeated
// after an error, so that receivers may see an event twice.
type Events interface {
	// TokenRejected is published before the token is removed.
	TokenRejected(ctx context.Context, tenant, user, device, app, reason string) error
	// PushDead is published before a job is given up.
	PushDead(ctx context.Context, tenant, user, device, kind string, version int64, reason string) error
}

// Modes of Defaults.
const (
	// ModeAlert shows the default title and body.
	ModeAlert = "alert"
	// ModeBackground wakes the application and shows nothing.
	ModeBackground = "background"
	// ModeNone sends nothing.
	ModeNone = "none"
)

// Defaults is what a kind's configuration says about pushes.
type Defaults struct {
	// Class collapses notifications: a newer one replaces an older one of the
	// same class on the device. Empty: the kind's name. At most 64 bytes.
	Class string
	// Title, Body and Sound are shown if the event brings neither title nor body.
	Title, Body, Sound string
	// TTL is how long the provider tries. 0: the worker's MaxAge.
	TTL time.Duration
	// Once: the provider tries once and stores nothing, whatever TTL says.
	Once bool
	// Channel is the Android notification channel. Empty: the application's
	// default one.
	Channel string
	// Quiet are the hours in which only what is urgent is pushed.
	Quiet Quiet
	// AsIs: iOS shows alerts without the application's extension.
	AsIs bool
	// Mode is what an event without push content does: ModeAlert,
	// ModeBackground or ModeNone. Empty: ModeAlert if there is a default title
	// or body, else ModeBackground.
	Mode string
}

// Policy returns the defaults of a tenant's kind.
type Policy func(tenant, kind string) Defaults
