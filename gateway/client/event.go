package client

import (
	"time"

	"github.com/hawser-edge/hawser/gateway/transport"
)

// Event is what the device lacked of one kind.
type Event struct {
	Kind string
	// Items is oldest first. It can be empty: then only the version moved.
	Items []Item
	// Version is what the device has of the kind once the event is handled.
	Version int64
	// SnapshotNeeded: items older than Items are gone from the edge's log.
	// The application fetches its whole state of the kind first.
	SnapshotNeeded bool
	// ResetToHead: the device was ahead of the edge, as after a restored
	// backup of the backend. Version is lower than before, and the application
	// takes a snapshot if it cannot tell what it has missed.
	ResetToHead bool
	// HeardAt is when the edge told of this or a newer version.
	HeardAt time.Time
}

// Item is one event of a kind.
type Item struct {
	Version int64
	// Data belongs to the application.
	Data []byte
}

// Page is one answer to a sync.
type Page struct {
	// Items is oldest first, each above the version asked for.
	Items []Item
	// Head is the newest version of the kind.
	Head int64
	// More: the next page follows after the last item.
	More bool
	// SnapshotNeeded and ResetToHead are as in Event.
	SnapshotNeeded, ResetToHead bool
}

// Phase is what a client is doing.
type Phase string

// The phases.
const (
	PhaseConnecting Phase = "connecting" // dialing and saying Hello
	PhaseConnected  Phase = "connected"  // welcomed
	PhaseWaiting    Phase = "waiting"    // before the next attempt
	PhaseStopped    Phase = "stopped"    // Run is about to return
)

// State is how the connection fares.
type State struct {
	Phase Phase
	// Transport, Edge, Epoch and Interval, the time between heartbeats, are
	// set while connected.
	Transport transport.Kind
	Edge      string
	Epoch     int64
	Interval  time.Duration
	// RetryIn is the time to the next attempt, set while waiting.
	RetryIn time.Duration
	// Err is why the last connection or attempt ended. Nil while it is the
	// first.
	Err error
}
