package devices

import (
	"errors"
	"fmt"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// Bounds of what a device may store, in bytes. APNs tokens are 64 to 200
// bytes, FCM's registration tokens below 1 kB.
const (
	MaxToken    = 4096
	MaxApp      = 256
	maxPlatform = 32
)

// ErrInvalid is the root of errors about a record or name that can not be
// stored: to repeat the call is of no use.
var ErrInvalid = errors.New("device record refused")

// ID names a device.
type ID struct{ Tenant, User, Device string }

// String returns "tenant.user.device".
func (id ID) String() string { return id.Tenant + "." + id.User + "." + id.Device }

func (id ID) key() string { return routing.DeviceKey(id.Tenant, id.User, id.Device) }

func (id ID) check() error {
	for what, s := range map[string]string{"tenant": id.Tenant, "user": id.User, "device": id.Device} {
		if err := wire.CheckID(what, s); err != nil {
			return fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	return nil
}

// Record is what is known of a device.
type Record struct {
	// Found is false where the device has no record; the rest is then empty.
	Found bool
	// Platform is "ios", "android" or "other".
	Platform string
	// App is the application's identifier at its push provider.
	App string
	// Token is the push token. Never log it.
	Token string
	// RegisteredAt is when the token was registered, by the edge's clock.
	RegisteredAt time.Time
	// Epoch of the session that registered it.
	Epoch int64
	// RejectedAt is since when the push service rejects the token, by the
	// clock of the push worker that marked it. Zero: it does not.
	RejectedAt time.Time
	// Revision names this state of the record: it changes with every write.
	Revision uint64
}

// Format keeps the token out of whatever prints a record.
func (r Record) Format(s fmt.State, _ rune) {
	fmt.Fprintf(s, "device record {found %t, platform %q, app %q, revision %d}", r.Found, r.Platform, r.App, r.Revision)
}

func recordOf(r *linkpb.DeviceRecord, revision uint64) Record {
	out := Record{
		Found: true, Platform: r.GetPlatform(), App: r.GetApp(), Token: r.GetPushToken(),
		RegisteredAt: time.UnixMilli(r.GetRegisteredMs()), Epoch: r.GetEpoch(), Revision: revision,
	}
	if ms := r.GetRejectedMs(); ms > 0 {
		out.RejectedAt = time.UnixMilli(ms)
	}
	return out
}

func checkRecord(r *linkpb.DeviceRecord) error {
	switch {
	case r == nil:
		return fmt.Errorf("%w: there is none", ErrInvalid)
	case len(r.GetPushToken()) > MaxToken:
		return fmt.Errorf("%w: the push token has %d bytes, at most %d are stored", ErrInvalid, len(r.GetPushToken()), MaxToken)
	case len(r.GetApp()) > MaxApp:
		return fmt.Errorf("%w: the app's identifier has %d bytes, at most %d are stored", ErrInvalid, len(r.GetApp()), MaxApp)
	case len(r.GetPlatform()) > maxPlatform:
		return fmt.Errorf("%w: the platform has %d bytes, at most %d are stored", ErrInvalid, len(r.GetPlatform()), maxPlatform)
	case r.GetRegisteredMs() <= 0:
		return fmt.Errorf("%w: it does not say when the token was registered", ErrInvalid)
	}
	return nil
}

// ParseRecord reads a record as the bucket stores it.
func ParseRecord(b []byte) (*linkpb.DeviceRecord, error) {
	var r linkpb.DeviceRecord
	if err := proto.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("device record is not readable: %w", err)
	}
	return &r, nil
}

func sameToken(a, b *linkpb.DeviceRecord) bool {
	return a.GetApp() == b.GetApp() && a.GetPushToken() == b.GetPushToken()
}
