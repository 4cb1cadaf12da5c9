package dispatch

import (
	"time"

	"github.com/hawser-edge/hawser/routing"
	"github.com/hawser-edge/hawser/routing/linkpb"
	"github.com/hawser-edge/hawser/routing/table"
)

// Job is a push job to be stored.
type Job struct {
	Device  table.DeviceID
	Kind    string
	Version int64
	// EventAt is the time of the oldest event that the job stands for,
	// LatestAt that of the newest, whose Version and Content it has.
	EventAt, LatestAt time.Time
	// Urgency is the highest of those that ask for a push.
	Urgency routing.Urgency
	Content []byte
	// NotBefore is when the push may be made, where that is not at once.
	NotBefore time.Time
	// Deadline is when the patience with a device ended, where that is why it
	// is pushed; zero for others, and for a job that is called for again.
	Deadline time.Time
}

// Effects is what a Dispatcher calls for. The calls must not block for long.
type Effects interface {
	// Notify asks a session to tell its device of a version. The urgency is the
	// greatest of what the device has not acknowledged.
	Notify(s table.Session, kind string, version int64, u routing.Urgency)
	// Away tells that a device was found without a live session, before its
	// job is stored or it is settled without one.
	Away(d table.DeviceID, kind string, version int64)
	// Store stores a push job; Stored must follow, once.
	Store(Job)
	// Remove removes a stored job of a version or an older one: its device
	// has acknowledged.
	Remove(d table.DeviceID, kind string, version int64)
	// Ack, Nak, Defer and Progress tell the log that a message is settled, is
	// to be delivered again, at once or some seconds later, or is still being
	// worked on.
	Ack(receipt any)
	Nak(receipt any)
	Defer(receipt any)
	Progress(receipt any)
	// Checked answers Check.
	Checked(id uint64, state linkpb.CheckResponse_State)
}
