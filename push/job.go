package push

import (
	"context"
	"time"
)

// Urgencies of an event. They decide how soon a silent device is pushed and
// with which priority.
const (
	Low    = 1
	Normal = 2
	High   = 3
)

// Why a push is not made yet.
const (
	// HoldRetry: an attempt failed. Nothing that is newer lifts that.
	HoldRetry = 1
	// HoldQuiet: quiet hours, which urgency High lifts.
	HoldQuiet = 2
	// HoldWindow: it is not urgent and waits for a quiet window of the device.
	// Any urgency above Low lifts it.
	HoldWindow = 3
	// HoldPaused: the application takes no more pushes for now. Nothing that is
	// newer lifts that.
	HoldPaused = 4
)

// Job means: this device may have something newer of this kind. Its fields
// are those of a stored push job, in the same order.
type Job struct {
	Tenant, User, Device, Kind string
	// Version of the newest event that asked for the push, at least 1.
	Version int64
	// EventAt is when the oldest event that the job stands for was stored,
	// LatestAt when the newest was, whose Version it has; zero: as EventAt.
	EventAt, LatestAt time.Time
	// Urgency is Low, Normal or High; anything else counts as Normal.
	Urgency int
	// Push is the event's push content as JSON, nil if it had none.
	Push []byte
	// NotBefore is when the push may be made; zero: at once. Hold is why not
	// before: HoldRetry and so on.
	NotBefore time.Time
	Hold      int
	// WaitsFor names the application where Hold is HoldPaused, as AppKey.label
	// does; empty: not known.
	WaitsFor string
	// Failures is how many attempts failed so far, Reason why the last one did.
	Failures int
	Reason   string
}

// latest is the time from which the job grows old.
func (j Job) latest() time.Time {
	if j.LatestAt.After(j.EventAt) {
		return j.LatestAt
	}
	return j.EventAt
}

// Delivery resolves one stored job. Exactly one of Done, Retry, Hold, Postpone,
// Dead and Drop is called, once, from any goroutine. None of them may block.
type Delivery interface {
	// Current reports whether the job still is this worker's to send: it is
	// not where a newer one took its place, or where another worker was given
	// it because this one was away for too long. It asks the queue.
	Current(ctx context.Context) (bool, error)
	// Done removes the job: pushed, or no push is needed.
	Done()
	// Retry asks for the job again, not before the given time has passed.
	Retry(after time.Duration)
	// Hold asks for the job again at the given time, and has the queue keep it
	// until then, whatever ends meanwhile and whichever newer job takes its
	// place. hold is a constant of this package, waitsFor the application's name
	// where that is HoldPaused; why says it to the operator and tells neither
	// tokens nor content.
	Hold(until time.Time, hold int, waitsFor, why string)
	// Postpone asks for a job again at the given time, or once recall is called,
	// which must not block. Nothing is written: the job stays where it is, as held
	// or among those that are due.
	Postpone(until time.Time) (recall func())
	// Dead gives the job up and keeps it, of which application it was (empty:
	// not known) and the reason for the operator.
	Dead(app, reason string)
	// Drop forgets a job that is another worker's, or gone.
	Drop()
}

// Target names what a presence check is about.
type Target struct {
	Tenant, User, Device, Kind string
	Version                    int64
	// Urgency is the job's.
	Urgency int
}

// patience is how long a connected device may take to acknowledge an event
// before it is pushed as well.
func patience(urgency int) time.Duration {
	switch urgency {
	case High:
		return 3 * time.Second
	case Low:
		return time.Minute
	default:
		return 10 * time.Second
	}
}
