package main

import "time"

// facts are what was seen from outside: what the publishers were answered,
// what the devices were handed or told, and what the push providers received.
// None of it is what hawser says of itself.
type facts struct {
	// keep is how many events of a user's kind the log holds.
	keep      int
	published []publication
	// sent are the keys of all publications, also of those without an answer.
	sent    map[string]bool
	repeats []repeat
	devices []deviceFacts
	// phases are what happened to the fleet, in order.
	phases []phase
}

// owner is whose an event or a device is: tenants share the names of users.
type owner struct{ tenant, user string }

func (o owner) String() string { return o.user + " of " + o.tenant }

// publication is an event that the publisher has an answer for.
type publication struct {
	owner
	kind string
	// key names the event in the whole run, while its id is the other
	// tenant's too.
	key string
	// version is the answer's.
	version int64
	// begun is before the first attempt, answered after the last.
	begun, answered time.Time
	attempts        int
}

// repeat is a publication that was sent again after its answer, with the same
// id.
type repeat struct {
	key       string
	version   int64
	duplicate bool
	at        time.Time // of the answer
}

// part is what a device does in the run.
type part string

const (
	// connected fetches and acknowledges everything.
	connected part = "connected"
	// away registered its push token once and left.
	away part = "away"
	// silent holds a session, registered a push token and acknowledges
	// nothing.
	silent part = "silent"
)

// deviceFacts is what one device saw, each list in order of time.
type deviceFacts struct {
	owner
	name string
	part part
	// quic is set where nothing tells the device that its edge is dead: it
	// finds out with its next beat.
	quic bool

	// handed are the items that a connected device's application got.
	handed []arrival
	// snapshots are the versions up to which it was told to take a snapshot.
	snapshots []arrival
	// told are the heads that a device without the SDK was notified of, vain
	// its syncs that failed, with the greatest version that it had heard of.
	told, vain []arrival
	// pushes are what the provider received for the device's token.
	pushes []arrival
	// stays are where it was connected.
	stays []stay
}

// stay is a connection to an edge.
type stay struct {
	edge string
	from time.Time
	// to is zero while the connection lasts.
	to time.Time
}

// on reports whether the device was connected to an edge in a span of time.
func (d *deviceFacts) on(edge string, from, to time.Time) bool {
	for _, s := range d.stays {
		if s.edge == edge && s.from.Before(to) && (s.to.IsZero() || s.to.After(from)) {
			return true
		}
	}
	return false
}

// arrival is one version of a kind that reached a device or its provider.
type arrival struct {
	kind    string
	version int64
	// key is the item's, for items: that of the publication.
	key string
	// conn numbers the device's connections, for notifies.
	conn int
	at   time.Time
}
