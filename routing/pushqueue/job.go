package pushqueue

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hawser-edge/hawser/gateway/wire"
	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
)

// ErrJob is the root of errors about a job that can not be stored or read.
var ErrJob = errors.New("not a push job")

// MaxPush bounds a job's push content, in bytes.
const MaxPush = 64 << 10

// Job means that a device may have something newer of a kind.
type Job struct {
	Tenant, User, Device, Kind string
	// Version caused the job; the head may be newer.
	Version int64
	// EventAt is when the oldest event that the job stands for was published,
	// LatestAt when the newest was; zero: as EventAt.
	EventAt, LatestAt time.Time
	// Urgency is 1 low, 2 normal or 3 high.
	Urgency int
	// Push is the event's push content as JSON, empty for the kind's default.
	Push []byte
	// NotBefore is when the push may be made; zero: at once. Hold is why not
	// before, HoldRetry and so on: a newer job that takes this one's place keeps the time unless it
	// lifts the hold.
	NotBefore time.Time
	Hold      int
	// WaitsFor names the application that the push waits for where Hold is
	// HoldPaused: its platform, a space and its name at the provider. Empty: not
	// said.
	WaitsFor string
	// Failures is how many attempts failed so far, Reason why the last one did,
	// in a few words for the operator: never a token, never content.
	Failures int
	Reason   string
}

// The reasons for which a push is not made yet.
const (
	// HoldNone: there is none.
	HoldNone = 0
	// HoldRetry: an attempt failed, and whoever refused it asked for time.
	// Nothing that is newer lifts that.
	HoldRetry = 1
	// HoldQuiet: the quiet hours of the kind. Urgency high lifts them.
	HoldQuiet = 2
	// HoldWindow: it is not urgent and waits for a quiet window of the device.
	// Any higher urgency lifts it.
	HoldWindow = 3
	// HoldPaused: the device's application is paused, or has too much to do.
	// Nothing that is newer lifts that; workers may make the push before its
	// time, for they know when the application goes on.
	HoldPaused = 4
)

// maxReason bounds a job's reason, in bytes.
const maxReason = 256

// subject is where the job stands: apart where it must not be pushed yet.
func (j Job) subject(now time.Time) string {
	if j.heldAt(now) {
		return routing.PushLaterSubject(j.Tenant, j.User, j.Device, j.Kind)
	}
	return routing.PushSubject(j.Tenant, j.User, j.Device, j.Kind)
}

// slot is the wildcard of the subjects where a job of this device and kind may
// stand.
func (j Job) slot() string { return routing.PushSlot(j.Tenant, j.User, j.Device, j.Kind) }

func (j Job) check() error {
	for _, c := range []struct{ what, id string }{
		{"tenant", j.Tenant}, {"user", j.User}, {"device", j.Device}, {"kind", j.Kind},
	} {
		if err := wire.CheckID(c.what, c.id); err != nil {
			return fmt.Errorf("%w: %w", ErrJob, err)
		}
	}
	if err := wire.CheckVersion(j.Version); err != nil {
		return fmt.Errorf("%w: %w", ErrJob, err)
	}
	switch {
	case !routing.Urgency(j.Urgency).Valid():
		return fmt.Errorf("%w: urgency %d is not 1, 2 or 3", ErrJob, j.Urgency)
	case len(j.Push) > MaxPush:
		return fmt.Errorf("%w: the push content has %d bytes, at most %d are stored", ErrJob, len(j.Push), MaxPush)
	case j.EventAt.UnixMilli() <= 0:
		return fmt.Errorf("%w: it does not say when its event was published", ErrJob)
	}
	return nil
}

func (j Job) marshal() ([]byte, error) { return proto.Marshal(j.message()) }

func (j Job) message() *linkpb.PushJob {
	return &linkpb.PushJob{
		Tenant: j.Tenant, User: j.User, Device: j.Device, Kind: j.Kind, Version: j.Version,
		EventMs: j.EventAt.UnixMilli(), LatestMs: j.latest().UnixMilli(), Urgency: int32(j.Urgency), Push: j.Push,
		NotBeforeMs: unixMilli(j.NotBefore), Hold: int32(j.Hold), Failures: int32(min(j.Failures, math.MaxInt32)), Reason: short(j.Reason),
		WaitsFor: bounded(j.WaitsFor),
	}
}

// unixMilli is 0 for the zero time.
func unixMilli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func fromMilli(ms int64) time.Time {
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// short bounds a reason, which may quote a provider, and leaves letters that can
// be printed on one line.
func short(reason string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, reason[:min(len(reason), maxReason)])
}

// maxWaitsFor has room for every application that a device can register.
const maxWaitsFor = 2 * maxReason

// bounded leaves an application's name as it is: the worker knows by it that the
// job is written down already.
func bounded(name string) string {
	return strings.ToValidUTF8(name[:min(len(name), maxWaitsFor)], "?")
}

// Parse reads a message of the stream. A job whose subject names another
// device than its body is refused. Errors do not quote the body.
func Parse(subject string, data []byte) (Job, error) {
	var m linkpb.PushJob
	if err := proto.Unmarshal(data, &m); err != nil {
		return Job{}, fmt.Errorf("%w: the body is not readable", ErrJob)
	}
	j, err := jobOf(&m)
	if err != nil {
		return Job{}, err
	}
	if subject != routing.PushSubject(j.Tenant, j.User, j.Device, j.Kind) &&
		subject != routing.PushLaterSubject(j.Tenant, j.User, j.Device, j.Kind) {
		return Job{}, fmt.Errorf("%w: subject and body name different devices", ErrJob)
	}
	return j, nil
}

func jobOf(m *linkpb.PushJob) (Job, error) {
	j := Job{
		Tenant: m.GetTenant(), User: m.GetUser(), Device: m.GetDevice(), Kind: m.GetKind(), Version: m.GetVersion(),
		EventAt: time.UnixMilli(m.GetEventMs()), LatestAt: time.UnixMilli(max(m.GetLatestMs(), m.GetEventMs())), Urgency: int(m.GetUrgency()), Push: m.GetPush(),
		NotBefore: fromMilli(m.GetNotBeforeMs()), Hold: int(m.GetHold()), Failures: max(0, int(m.GetFailures())), Reason: short(m.GetReason()),
		WaitsFor: bounded(m.GetWaitsFor()),
	}
	return j, j.check()
}

func (j Job) latest() time.Time {
	if j.LatestAt.After(j.EventAt) {
		return j.LatestAt
	}
	return j.EventAt
}

// with returns the job that stands for both j and the one that waits: the news
// of the newer one.
func (j Job) with(waiting Job, now time.Time) Job {
	if waiting.Version <= j.Version {
		return j.over(waiting, now)
	}
	// j ends the hold of the newer one: see advances.
	both := waiting.over(j, now)
	both.Failures, both.Reason = waiting.Failures, waiting.Reason
	return both
}

// over returns the job that stands for both j and the older one that waits:
// j's news, since the oldest event and as young
// as the newest, with the highest urgency, and held as the older one was.
func (j Job) over(older Job, now time.Time) Job {
	if older.latest().After(j.latest()) {
		j.LatestAt = older.latest()
	}
	if older.EventAt.Before(j.EventAt) {
		j.EventAt = older.EventAt
	}
	j = j.heldLike(older, now)
	j.Urgency = max(j.Urgency, older.Urgency)
	return j
}

// heldLike gives j the hold of the older job in whose place it comes: one push
// is made for both, when the older one's was due. What is newer may lift the
// hold.
func (j Job) heldLike(older Job, now time.Time) Job {
	j.Failures, j.Reason = older.Failures, older.Reason
	switch {
	case older.paused():
		// Also where the time is over: the worker knows whether the application
		// still is, and need not hold it anew.
		j.NotBefore, j.Hold, j.WaitsFor = older.NotBefore, older.Hold, older.WaitsFor
	case !older.heldAt(now):
		j.NotBefore, j.Hold, j.WaitsFor = time.Time{}, HoldNone, ""
	case !older.lifts(j.Urgency):
		j.NotBefore, j.Hold, j.WaitsFor = older.NotBefore, older.Hold, older.WaitsFor
	}
	return j
}

// heldAt reports whether the push must wait.
func (j Job) heldAt(now time.Time) bool { return j.NotBefore.After(now) }

// App is the application that the push waits for, as it can be printed; empty if
// it waits for none. Devices say what it is.
func (j Job) App() string {
	_, app, _ := strings.Cut(j.WaitsFor, " ")
	return short(app)
}

// paused reports whether the job stands among the held ones because of an
// application that is named: the workers decide when it goes on.
func (j Job) paused() bool { return j.Hold == HoldPaused && j.WaitsFor != "" }

// advances reports whether j, which is no newer than the one that waits, ends its
// hold: the device of an event that was stored for the end of its patience may
// be gone long before, and another router may store urgent news after newer ones
// that are not.
func (j Job) advances(waiting Job, now time.Time) bool {
	return waiting.heldAt(now) && !j.heldAt(now) && waiting.lifts(j.Urgency)
}

// lifts reports whether a newer job of that urgency ends this one's hold.
func (j Job) lifts(urgency int) bool {
	switch j.Hold {
	case HoldQuiet:
		return urgency >= int(routing.UrgencyHigh)
	case HoldWindow:
		return urgency > int(routing.UrgencyLow)
	default:
		return false
	}
}
